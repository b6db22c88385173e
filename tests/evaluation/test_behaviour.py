"""Figures of ragged, masked behaviour against loops over each person's own trials."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import log_loss, roc_auc_score

from dtb_jax.evaluation.behaviour import behaviour
from dtb_jax.evaluation.distributions import QUANTILES, mixture_quantiles
from dtb_jax.evaluation.scored import scored_part
from dtb_jax.models.prediction import LEVELS, Prediction
from dtb_jax.types import Trials
from tests.data.test_folds import TRIALS, make_cohort

START, STOP = 40.0, 120.0
INTERVALS = {"50": (0.5, 0.25, 0.75), "80": (0.2, 0.1, 0.9), "95": (0.05, 0.025, 0.975)}


def spoil(run):
    """Garbage behind every False mask; whole numbers stay numbers of something."""
    t, rng = run.trials, np.random.default_rng(9)
    garbage = Trials(
        *(np.full(t.present.shape, bad) for bad in (60.0, np.nan, np.nan)),
        condition=1 - t.condition,
        item=t.item + 3,
        correct=1 - t.correct % 2,
        possible=np.ones_like(t.possible),
        response_time_s=rng.choice([np.nan, 1e6, 0.7], t.present.shape),
        answered=np.ones_like(t.present),
        present=t.present,
    )
    trials = Trials(*(np.where(t.present.T, a.T, b.T).T for a, b in zip(t, garbage)))
    noise = 1e4 * rng.normal(size=run.bold.shape)
    return run._replace(trials=trials, bold=np.where(run.bold_mask[..., None], run.bold, noise))


def make_told(run, seed=1):
    """What some model says: a little of the truth, much noise."""
    rng, shape = np.random.default_rng(seed), run.trials.present.shape
    probability = rng.dirichlet(np.ones(3), shape) * run.task.available
    centre = np.log(np.where(run.trials.answered, run.trials.response_time_s, 1)) / 3
    centre += 0.2 * rng.normal(size=shape)
    spread = rng.uniform(0.1, 0.3, shape)
    return Prediction(
        choice=rng.integers(2, size=shape),
        choice_probability=probability / probability.sum(-1, keepdims=True),
        omission_probability=rng.uniform(0.01, 0.3, shape),
        reaction_time_s=np.exp(centre),
        quantiles_s=np.exp(centre[..., None] + spread[..., None] * stats.norm.ppf(LEVELS)),
        log_likelihood=rng.normal(-2, 1, shape),
        bold=(run.bold / 3 + rng.normal(size=run.bold.shape))[:, 50:],
    )


def spoil_told(told, run):
    def bad(field):
        garbage = 0 if field.dtype.kind == "i" else np.nan
        return np.where(run.trials.present.T, field.T, garbage).T

    noise = np.random.default_rng(8).normal(size=told.bold.shape)
    kept = np.where(run.bold_mask[:, 50:, None], told.bold, 1e3 * noise)
    fields = told._replace(bold=None)._asdict().items()
    return Prediction(**{k: bad(v) for k, v in fields if isinstance(v, np.ndarray)}, bold=kept)


def make_case(folds):
    """Runs and predictions, and the same with garbage wherever a mask is False."""
    cohort = make_cohort(26)
    fold = np.arange(26) % folds
    people = [run.present & (np.arange(26) != 4) for run in cohort.runs]

    def score(runs):
        return [scored_part(run, START, STOP, p, None, fold) for run, p in zip(runs, people)]

    told = [make_told(run) for run in cohort.runs]
    spoilt = [spoil(run) for run in cohort.runs]
    worse = [spoil_told(one, run) for one, run in zip(told, cohort.runs)]
    return score(cohort.runs), told, score(spoilt), worse


def fisher(groups):
    """Pearson's r of each fold's (x, y, people), averaged."""
    each = [(stats.pearsonr(x, y)[0], n) for x, y, n in groups if n >= 4]
    return np.tanh(np.average([np.arctanh(r) for r, _ in each], weights=[n - 3 for _, n in each]))


def beyond(values, stratum):
    """Columns of people less the means of their fold's trial list."""
    left = np.array(values, float)
    for k in np.unique(stratum):
        left[stratum == k] -= left[stratum == k].mean(axis=0)
    return left


def over_people(rows, x, y):
    """r over people of two numbers of each, within folds and beyond trial lists."""
    found = np.array([(row["fold"], row["list"], x(row), y(row)) for row in rows])
    found = found[np.isfinite(found).all(1)]
    fold, sides = found[:, 0], beyond(found[:, 2:], 9 * found[:, 0] + found[:, 1])
    each = [stats.pearsonr(*sides[fold == k].T)[0] for k in np.unique(fold)]
    return np.average(each, weights=[(fold == k).sum() - 1 for k in np.unique(fold)])


def mean(values):
    return np.mean(values) if len(values) else np.nan


def own_trials(scored, told):
    """Each person's trials of the part, as long as they are."""
    t, rows = scored.run.trials, []
    for i in np.flatnonzero(scored.people):
        k = [k for k in range(TRIALS) if t.present[i, k] and START <= t.onset_s[i, k] < STOP]
        right = t.possible[i, k, t.correct[i, k]] & t.answered[i, k]
        hit = told.choice_probability[i, k, t.correct[i, k]]
        rows.append(
            {
                "fold": scored.drawn.fold[i],
                "list": scored.lists.label[i] if scored.lists.comparable[i] else np.nan,
                "label": scored.lists.label[i],
                "k": np.array(k),
                "agree": t.possible[i, k, told.choice[i, k]],
                "answered": t.answered[i, k],
                "right": right,
                "p": 1 - hit * (1 - told.omission_probability[i, k]),
                "omission": told.omission_probability[i, k],
                "condition": t.condition[i, k],
                "time": t.response_time_s[i, k],
                "told": told.reaction_time_s[i, k],
                "quantiles": told.quantiles_s[i, k],
                "likelihood": told.log_likelihood[i, k],
            }
        )
    return rows


def effects(row, values, kept):
    """Means of the second less the first condition (incongruent, face)."""
    first, second = (mean(values[kept & (row["condition"] == c)]) for c in range(2))
    return second - first


def half(row, which):
    """Every other correct trial of each condition."""
    kept = np.zeros(len(row["k"]), bool)
    for c in range(2):
        kept[np.flatnonzero(row["right"] & (row["condition"] == c))[which::2]] = True
    return effects(row, row["time"], kept)


def expected_figures(scored, told):
    rows = own_trials(scored, told)
    folds = [[r for r in rows if r["fold"] == k] for k in sorted({r["fold"] for r in rows})]

    def pool(name, rows=rows, mask=None):
        return np.concatenate([r[name] if mask is None else r[name][r[mask]] for r in rows])

    def same_trial(rows):
        wins = pairs = 0
        for a in rows:
            for b in (b for b in rows if b["label"] == a["label"]):
                for i in np.flatnonzero(~a["right"]):
                    for j in np.flatnonzero(b["right"] & (b["k"] == a["k"][i])):
                        wins += (a["p"][i] > b["p"][j]) + (a["p"][i] == b["p"][j]) / 2
                        pairs += 1
        return wins / pairs

    sizes = [len(f) for f in folds]
    everything = [
        (pool("time", f, "right"), pool("told", f, "right"), sum(r["right"].any() for r in f))
        for f in folds
    ]
    aucs = [roc_auc_score(~pool("right", f), pool("p", f)) for f in folds]
    within = [stats.pearsonr(r["told"][r["right"]], r["time"][r["right"]])[0] for r in rows]
    quantiles = [
        over_people(
            rows,
            lambda r, q=q: np.quantile(r["time"][r["right"]], q),
            lambda r, n=n: mixture_quantiles(r["quantiles"][None], np.ones((1, len(r["k"])), bool))[
                0, n
            ],
        )
        for n, q in enumerate(QUANTILES)
    ]
    observed = lambda r: effects(r, r["time"], r["right"])  # noqa: E731
    predicted = lambda r: effects(r, r["told"], np.ones(len(r["k"]), bool))  # noqa: E731
    halves = np.array([(half(r, 0), half(r, 1)) for r in rows])
    known = np.isfinite(halves).all(1)
    lists = np.array([r["list"] for r in rows])
    known &= np.isfinite(lists)
    between = stats.pearsonr(*beyond(halves[known], lists[known]).T)[0]
    effect_r = over_people(rows, observed, predicted)
    ceiling = np.sqrt(max(2 * between / (1 + between), 0))
    expected = {
        "choice_concordance": np.mean([mean(r["agree"]) for r in rows]),
        "choice_concordance_answered": np.mean([mean(r["agree"][r["answered"]]) for r in rows]),
        "error_auc": np.average(aucs, weights=sizes),
        "error_auc_same_trial": np.average([same_trial(f) for f in folds], weights=sizes),
        "error_log_loss": log_loss(~pool("right"), pool("p")),
        "error_rate_r": over_people(rows, lambda r: mean(~r["right"]), lambda r: mean(r["p"])),
        "omission_rate": np.mean([mean(r["omission"]) for r in rows]),
        "omission_rate_r": over_people(
            rows, lambda r: mean(~r["answered"]), lambda r: mean(r["omission"])
        ),
        "reaction_time_r": over_people(
            rows, lambda r: mean(r["time"][r["right"]]), lambda r: mean(r["told"])
        ),
        "reaction_time_mae_s": np.mean(
            [abs(mean(r["time"][r["right"]]) - mean(r["told"])) for r in rows if r["right"].any()]
        ),
        "effect_r": effect_r,
        "effect_r_disattenuated": effect_r / ceiling if ceiling > 0.1 else None,
        "trial_reaction_time_r": fisher(everything),
        "within_person_reaction_time_r": np.mean(within),
        "log_likelihood": np.mean(pool("likelihood")),
        "reaction_time_quantile_r": np.tanh(np.arctanh(quantiles).mean()),
    }
    for c, name in enumerate(scored.run.task.conditions):
        expected[f"reaction_time_r_{name}"] = over_people(
            rows,
            lambda r, c=c: mean(r["time"][r["right"] & (r["condition"] == c)]),
            lambda r, c=c: mean(r["told"][r["condition"] == c]),
        )
    y, q = pool("time", mask="right"), pool("quantiles", mask="right")
    for name, (a, *levels) in INTERVALS.items():
        lower, upper = (q[:, list(LEVELS).index(level)] for level in levels)
        score = upper - lower
        score = score + 2 / a * (lower - y) * (y < lower) + 2 / a * (y - upper) * (y > upper)
        expected[f"coverage_{name}"] = np.mean((lower <= y) & (y <= upper))
        expected[f"interval_score_s_{name}"] = np.mean(score)
    return expected


@pytest.fixture(scope="module", params=[1, 2], ids=["one fold", "two folds"])
def case(request):
    return make_case(request.param)


@pytest.mark.parametrize("run", [0, 1], ids=["stroop", "faces"])
def test_every_figure_is_that_of_a_loop_over_unpadded_people(case, run):
    scored, told, _, _ = case
    found, expected = behaviour(scored[run], told[run]), expected_figures(scored[run], told[run])
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("run", [0, 1], ids=["stroop", "faces"])
def test_garbage_behind_a_mask_changes_no_figure(case, run):
    scored, told, spoilt, worse = case
    found = behaviour(spoilt[run], worse[run])
    for name, figure in behaviour(scored[run], told[run]).items():
        assert found[name] == pytest.approx(figure, abs=1e-9), name
