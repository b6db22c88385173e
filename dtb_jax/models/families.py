"""Models in families that share a fit: what each says of a fold's test part."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dtb_jax.data.confounds import DEMOGRAPHICS, design
from dtb_jax.data.folds import Fold, Part
from dtb_jax.data.glm import make_glm, person_t
from dtb_jax.models import baselines
from dtb_jax.models.few_shot import adapted, shrunken
from dtb_jax.models.paper_twin import Fitted, Recipe, roll_out, stimuli, train
from dtb_jax.models.prediction import Prediction
from dtb_jax.models.profiles import Profile, as_prediction
from dtb_jax.models.regression import Method, ridge
from dtb_jax.models.surrogates import swaps
from dtb_jax.types import Cohort, TaskRun

MEAN = "group_mean_connectome"

Family = Callable[[Cohort, Fold], dict[str, list[Prediction]]]


def without_connectome(own: Part | None) -> Family:
    """Every baseline that needs no connectome.

    Args:
        own: where each person is known from, for the person's own numbers; None: nowhere.
    """

    def family(cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
        found = {
            "always_correct": baselines.always_correct(cohort, fold),
            "condition_mean": baselines.condition_mean(cohort, fold),
            "item_profile": baselines.item_means(cohort, fold),
            "group_mean": baselines.group_mean(cohort, fold),
            "group_t_map": baselines.group_t_map(cohort, fold),
            "demographics": demographics(cohort, fold),
        }
        if own is not None:
            found["own_training_half"] = baselines.own_part(cohort, fold, own)
            found["own_half_and_items"] = baselines.own_part(cohort, fold, own, items=True)
        return found

    return family


def demographics(cohort: Cohort, fold: Fold) -> list[Prediction]:
    """Ridge on age, its square, sex, group, site and motion."""
    known = design(cohort.participants, DEMOGRAPHICS, fold.training.people)
    return regression(cohort, fold, known, ridge)


def on_edges(methods: Mapping[str, Method]) -> Family:
    """Regressions of each person's profile and t-values on the edges."""

    def family(cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
        return {
            name: regression(cohort, fold, cohort.connectomes, method)
            for name, method in methods.items()
        }

    return family


def regression(
    cohort: Cohort, fold: Fold, features: np.ndarray, method: Method
) -> list[Prediction]:
    """Predict each tested person's profile and t-values from features, then every trial.

    Args:
        cohort: everybody.
        fold: training people's profiles are learned from; tested people's are told.
        features: [people, feature].
        method: see `evaluation.linear`.
    """
    trained, tested = (np.flatnonzero(p.people) for p in fold[:2])
    runs = fold.test.of(cohort).runs
    targets = [targets_of(cohort, fold, run) for run in runs]
    told = np.full((len(features), sum(t.shape[1] for t in targets)), np.nan)
    joined = np.concatenate([t[trained] for t in targets], axis=1)
    if features.shape[1]:
        told[tested] = method(features[trained], joined, features[tested])
    found, start = [], 0
    for run, target in zip(runs, targets):
        stop = start + target.shape[1]
        found.append(_of_targets(cohort, fold, run, told[:, start:stop]))
        start = stop
    return found


def targets_of(cohort: Cohort, fold: Fold, run: TaskRun) -> np.ndarray:
    """What regressions learn of a person in a run's task, [people, target]: times, the two error
    rates of every condition, and the t-value of every region; NaN where unknown."""
    source = baselines.same_task(fold.training.of(cohort), run)
    own = baselines.training_profile(cohort, fold, run)
    unknown = ~np.isfinite(own.time_s).any(1)
    rates = np.where(unknown[:, None], np.nan, np.concatenate([own.error, own.omission], axis=1))
    columns = [own.time_s, rates]
    if source.bold_mask.any():
        glm = make_glm(source, *fold.training.span(source))
        columns.append(person_t(glm, source.bold[:, glm.volumes]))
    return np.concatenate(columns, axis=1)


def _of_targets(cohort: Cohort, fold: Fold, run: TaskRun, told: np.ndarray) -> Prediction:
    conditions = len(run.task.conditions)
    group = baselines.group_profile(cohort, fold, run)
    time, error, omission = (told[:, k * conditions : (k + 1) * conditions] for k in range(3))
    profile = Profile(
        np.maximum(time, 0.1), group.spread, np.clip(error, 1e-3, 0.9), np.clip(omission, 1e-3, 0.9)
    )
    told_t = told[:, 3 * conditions :]
    one = as_prediction(run, profile, baselines.items_of(fold, run))
    return one._replace(
        condition_time_s=profile.time_s,
        person_time_s=_weighted(run, fold, profile.time_s),
        person_t=told_t if told_t.shape[1] else None,
    )


def _weighted(run: TaskRun, fold: Fold, time: np.ndarray) -> np.ndarray:
    """Mean over the test part's trials of the times of their conditions.

    A condition whose time is unknown (nobody presses correctly in no-go trials) falls out.
    """
    everyone = fold.test._replace(people=np.ones(len(fold.test.people), bool))
    tested = everyone.trials(run)
    count = [(tested & (run.trials.condition == c)).sum(1) for c in range(time.shape[1])]
    share = np.stack(count, axis=1) / np.maximum(tested.sum(1, keepdims=True), 1)
    known = np.isfinite(time)
    whole = np.where(known, share * time, 0).sum(axis=1)
    left = np.where(known, share, 0).sum(axis=1)
    rest = np.divide(whole, left, out=np.full(len(time), np.nan), where=left > 0)
    return np.where(known.all(axis=1), whole, rest)


def twins(
    recipe: Recipe,
    *,
    seed: int,
    folder: Path | None = None,
    swapped: Callable[..., dict[str, np.ndarray]] | None = swaps,
    name: str = "twin",
    shots: Sequence[int] = (),
    save_every: int = 10**6,
    on_epoch: Callable[[dict[str, float | int]], None] = lambda row: None,
) -> Family:
    """A twin trained on the fold, shown each person's own connectome and others in its place.

    Args:
        recipe: how.
        seed: of everything random.
        folder: of checkpoints, one subfolder a fold; None keeps none.
        swapped: (cohort, fold, seed) -> connectomes by name; None: the own ones only.
        name: of the model.
        shots: numbers of first trials to adapt to, see `models.few_shot.adapted`.
        save_every: epochs between checkpoints; the last is always kept.
        on_epoch: told every epoch's numbers.
    """

    def family(cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
        place = None if folder is None else folder / fold.name
        fitted = train(
            cohort,
            fold.training,
            recipe,
            seed=seed,
            folder=place,
            save_every=save_every,
            on_epoch=on_epoch,
        )
        return told_by(
            cohort, fold, fitted, recipe, seed=seed, swapped=swapped, name=name, shots=shots
        )

    return family


def told_by(
    cohort: Cohort,
    fold: Fold,
    fitted: Fitted,
    recipe: Recipe,
    *,
    seed: int,
    swapped: Callable[..., dict[str, np.ndarray]] | None = swaps,
    name: str = "twin",
    shots: Sequence[int] = (),
) -> dict[str, list[Prediction]]:
    """What a fitted twin says of the test part with own and swapped connectomes."""
    shown = stimuli(cohort, fold.test, fitted.scale)
    edges = {name: cohort.connectomes}
    edges |= {} if swapped is None else swapped(cohort, fold, seed=seed)
    show = partial(roll_out, cohort, fitted, recipe, fold.test, shown)
    told = {key: show(own) for key, own in edges.items()}
    if MEAN in told:  # says the same of everybody, but for the clock of each person's stimuli
        told[MEAN] = [run._replace(personal=False) for run in told[MEAN]]
    return told | (adapted(cohort, fold, fitted, recipe, shown, shots) if shots else {})


def retrained(recipe: Recipe, times: int, *, seed: int, **options: Any) -> Family:
    """Null twins: connectomes shuffled over all people before training, `times` orders."""

    def family(cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
        found: dict[str, list[Prediction]] = {}
        for k in range(times):
            order = baselines.derangement(len(cohort.connectomes), seed + k)
            other = cohort._replace(connectomes=cohort.connectomes[order])
            name = "shuffled_retrained" + (f"_{k + 1}" if k else "")
            one = twins(recipe, seed=seed, swapped=None, name=name, **options)
            found |= one(other, fold)
        return found

    return family


def identities(recipe: Recipe, *, seed: int, **options: Any) -> Family:
    """The same twin with a name tag for a connectome: one 1 among zeros a person."""
    of_edges = ("standardise", "components", "gain")
    sizes = {key: value for key, value in recipe.sizes.items() if key not in of_edges}
    tagged = recipe._replace(sizes=sizes)

    def family(cohort: Cohort, fold: Fold) -> dict[str, list[Prediction]]:
        tags = np.eye(len(cohort.connectomes), dtype=np.float32)
        one = twins(tagged, seed=seed, swapped=None, name="one_hot_identity", **options)
        return one(cohort._replace(connectomes=tags), fold)

    return family


def shrinkage(shots: Sequence[int]) -> Family:
    """Item-adjusted shrinkage towards the group after the first trials."""
    return lambda cohort, fold: shrunken(cohort, fold, shots)


def kept(family: Family, cohort: Cohort, fold: Fold) -> Family:
    """The family asked now; the same answer is given later."""
    told = family(cohort, fold)
    return lambda cohort, fold: told


def linear_methods(names: Sequence[str]) -> dict[str, Method]:
    """Methods by name, see `evaluation.linear` and `evaluation.tangent`.

    Raises: ValueError for a name that none of them has.
    """
    from dtb_jax.models import regression, tangent

    known = {
        "ridge": regression.ridge,
        "kernel_ridge": regression.kernel_ridge,
        "pca_ridge": regression.pca_ridge,
        "cpm": regression.cpm,
        "tangent_ridge": tangent.tangent_ridge,
    }
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r}, expected some of {', '.join(known)}")
    return {name: known[name] for name in names}
