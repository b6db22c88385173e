"""Several twins as one: every press is as likely as the twins say on average."""

from collections.abc import Sequence

import numpy as np
from scipy.special import logsumexp

from dtb_jax.models.prediction import Prediction


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
    omission = np.stack([one.omission_probability for one in runs])
    share = (1 - omission) / np.maximum((1 - omission).sum(axis=0), 1e-12)
    choice = np.einsum("mpt,mpta->pta", share, np.stack([one.choice_probability for one in runs]))
    times = np.stack([one.reaction_time_s for one in runs])
    time = (share * times).sum(axis=0)
    square = np.stack([one.reaction_time_sd_s for one in runs]) ** 2 + (times - time) ** 2
    # a person's spread is what members disagree on beyond their own
    means = (times * tested).sum(axis=2) / np.maximum(tested.sum(axis=1), 1)
    own = np.stack([one.person_time_sd_s for one in runs]) ** 2
    likely = np.stack([one.log_likelihood for one in runs])
    bold = None if runs[0].bold is None else np.mean([one.bold for one in runs], axis=0)
    t = None if runs[0].person_t is None else np.mean([one.person_t for one in runs], axis=0)
    return Prediction(
        choice=choice.argmax(axis=-1),
        choice_probability=choice,
        omission_probability=omission.mean(axis=0),
        reaction_time_s=time,
        reaction_time_sd_s=np.sqrt((share * square).sum(axis=0)),
        quantiles_s=np.mean([one.quantiles_s for one in runs], axis=0),
        log_likelihood=logsumexp(likely, axis=0) - np.log(len(runs)),
        person_time_sd_s=np.sqrt(own.mean(axis=0) + means.var(axis=0)),
        bold=bold,
        person_t=t,
        personal=all(one.personal for one in runs),
    )
