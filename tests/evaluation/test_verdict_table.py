"""The verdict as a table: the twin beside the best of what needs less."""

import pytest

from dtb_jax.evaluation.figures import Estimate
from dtb_jax.evaluation.verdict_table import verdict_table

METRICS = ("reaction_time_r", "reaction_time_mae_s")


def models(**values):
    return {
        name: {"faces": {m: Estimate(v, None, v - 0.1, v + 0.1, 9).as_dict() for m, v in each}}
        for name, each in {k: zip(METRICS, v) for k, v in values.items()}.items()
    }


def verdicts(evidence=False, left=None, p=None):
    one = {"evidence": evidence, "after_confounds": left, "p_holm": p}
    return {f"faces.{metric}": one for metric in METRICS}


def test_seen_people_stand_beside_name_tags():
    known = models(
        twin=(0.9, 0.07),
        one_hot_identity=(0.8, 0.08),
        own_training_half=(0.92, 0.06),
        shuffled_connectome=(0.0, 0.2),
        ridge=(0.99, 0.01),
        ceiling=(0.98, 0.02),
    )
    table = verdict_table(known, verdicts(), METRICS, unseen=False)
    assert table.columns == [
        "twin",
        "name tag",
        "best without own connectome",
        "ceiling",
        "evidence",
    ]
    (name, r), (_, error) = table.rows
    assert name == "Faces RT r"
    own = "the person's own training part"
    assert r == [(".90", "[.80, 1.00]"), (".80", ""), (".92", own), (".98", ""), ("none", "")]
    assert error[2] == (".06", own)  # of errors the least is best


def test_unseen_people_stand_beside_regressions_on_edges():
    known = models(
        twin=(0.4, 0.1),
        demographics=(0.1, 0.2),
        own_training_half=(0.9, 0.01),  # knows a part of the tested person
        ridge=(0.3, 0.1),
        constant_input=(0.35, 0.1),
    )
    left = Estimate(0.38, None, 0.2, 0.5, 9).as_dict()
    table = verdict_table(
        known, verdicts(True, left, 0.003), METRICS[:1], unseen=True, covariates="age and sex"
    )
    ((_, cells),) = table.rows
    assert table.columns[1:3] == ["best without own connectome", "best simpler model"]
    assert cells[1] == (".10", "age and sex")
    assert cells[2] == (".35", "the connectome as an extra input")
    assert cells[3:] == [("–", ""), (".38", "p = 0.003 (Holm)"), ("yes", "")]
    told = verdicts(False, left, 0.3)
    told["faces.reaction_time_r"]["detectable_r"] = 0.31
    ((_, cells),) = verdict_table(known, told, METRICS[:1], unseen=True).rows
    assert cells[-1] == ("none", "detectable: r\u00a0=\u00a0.31")


def test_an_undefined_claim_has_no_cell():
    known = models(twin=(0.4, 0.1))
    undefined = verdicts(False, Estimate(None, n=5).as_dict(), None)
    ((_, cells),) = verdict_table(known, undefined, METRICS[:1], unseen=True).rows
    assert cells[-2] == ("–", "") and cells[-1][0] == "none"


@pytest.mark.parametrize("unseen", [True, False])
def test_who_says_nothing_has_no_cell(unseen):
    known = models(twin=(0.4, 0.1))
    table = verdict_table(known, verdicts(), METRICS, unseen=unseen)
    assert len(table.rows) == 2 and table.rows[0][1][1] == ("–", "")
    known["twin"]["faces"]["reaction_time_r"]["value"] = None
    assert len(verdict_table(known, verdicts(), METRICS, unseen=unseen).rows) == 1
