"""Several twins as one: every press is as likely as the twins say on average."""

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp

from dtb_jax.models.prediction import Prediction
from dtb_jax.types import required


def mixture(
    members: Sequence[Sequence[Prediction]], tested: Sequence[np.ndarray]
) -> list[Prediction]:
    """An equal mixture of what several twins say of the same runs.

    p(press, time) = mean over members of p(press, time). Times are means over presses, spreads
    follow by the law of total variance, quantiles are averaged (Vincent 1912), and so are BOLD and
    its t.

    Args:
        members: of each twin a `Prediction` a run; all say something of the same fields.
        tested: of each run the trials over which a person's mean is told, [people, trial].
    """
    return [_mixed(runs, mask) for *runs, mask in zip(*members, tested, strict=True)]


def _mixed(runs: Sequence[Prediction], tested: np.ndarray) -> Prediction:
    def stacked(name: str) -> np.ndarray:
        return np.stack([required(getattr(one, name)) for one in runs])

    omission = stacked("omission_probability")
    share = (1 - omission) / np.maximum((1 - omission).sum(axis=0), 1e-12)
    choice = np.einsum("mpt,mpta->pta", share, stacked("choice_probability"))
    times = stacked("reaction_time_s")
    time = (share * times).sum(axis=0)
    square = stacked("reaction_time_sd_s") ** 2 + (times - time) ** 2
    # a person's spread is what members disagree on beyond their own
    means = (times * tested).sum(axis=2) / np.maximum(tested.sum(axis=1), 1)
    own = stacked("person_time_sd_s") ** 2
    bold = None if runs[0].bold is None else stacked("bold").mean(axis=0)
    t = None if runs[0].person_t is None else stacked("person_t").mean(axis=0)
    return Prediction(
        choice=choice.argmax(axis=-1),
        choice_probability=choice,
        omission_probability=omission.mean(axis=0),
        reaction_time_s=time,
        reaction_time_sd_s=np.sqrt((share * square).sum(axis=0)),
        quantiles_s=stacked("quantiles_s").mean(axis=0),
        log_likelihood=logsumexp(stacked("log_likelihood"), axis=0) - np.log(len(runs)),
        person_time_sd_s=np.sqrt(own.mean(axis=0) + means.var(axis=0)),
        bold=bold,
        person_t=t,
        personal=all(one.personal for one in runs),
    )
