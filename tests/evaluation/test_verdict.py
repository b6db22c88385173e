"""What is claimed, what is not, and in which words."""

import pytest

from dtb_jax.evaluation.evidence import Evidence
from dtb_jax.evaluation.figures import Estimate
from dtb_jax.evaluation.verdict import (
    Words,
    best,
    claims_held,
    headline,
    number,
    verdicts,
    with_interval,
)


def models(**values):
    """{model: RT r}; the twin's has an interval."""
    found = {
        name: {"faces": {"reaction_time_r": Estimate(value)}} for name, value in values.items()
    }
    found["twin"]["faces"]["reaction_time_r"] = Estimate(values["twin"], None, 0.71, 0.95, 200)
    return found


def of(p, r=0.3, spread=None):
    return Evidence(Estimate(r, None, 0.1, 0.5, 200), p, spread)


KEY = "faces.reaction_time_r"
WORDS = Words("after age and sex", "a regression on age and sex")


def sentence(found, evidence, unseen=True, against=()):
    told = verdicts(found, evidence, unseen=unseen, words=WORDS, against={KEY: against})
    return told[KEY].evidence, told[KEY].sentence, headline(told, unseen=unseen)


def test_people_seen_in_training_are_never_evidence():
    all_models = models(twin=0.89, one_hot_identity=0.9, own_training_half=0.92, demographics=0.4)
    held, words, head = sentence(all_models, {}, unseen=False)
    assert not held
    assert words == (
        "Faces RT r = .89 [.71, .95] among people seen in training; one-hot identity reaches .90, "
        "the person's own training part .92, so this figure carries no evidence about connectomes."
    )
    assert "none of them carries evidence" in head
    held, words, _ = sentence(models(twin=0.99), {KEY: of(1e-9, 0.99)}, unseen=False)
    assert not held and "can be remembered" in words


def test_unseen_people_can_be_evidence():
    found = models(twin=0.38, demographics=0.11, ridge=0.4, ceiling=0.99)
    held, words, head = sentence(found, {KEY: of(0.001)})
    assert held
    assert ", p < .001 (Holm): evidence" in sentence(found, {KEY: of(0.0005)})[1]
    assert words == (
        "Faces RT r = .38 [.71, .95] among unseen people (ceiling .99); a regression on age and "
        "sex reaches .11, ridge on the edges .40; after age and sex .30, p = .001 (Holm): "
        "evidence that connectomes tell this of people never seen."
    )
    assert head.endswith("all claims: Faces RT r.")
    held, words, head = sentence(found, {KEY: of(0.2)})
    assert not held and "no evidence that connectomes tell this." in words
    assert head.startswith("None of 1 claims")


def test_one_small_p_among_many_claims_is_not_enough():
    found = {KEY: of(0.03), **{f"stroop.m{k}": of(0.5) for k in range(5)}}
    p, held = claims_held(found)[KEY]
    assert p == pytest.approx(0.18) and not held
    assert claims_held({KEY: of(0.03)})[KEY] == (0.03, True)
    told = verdicts(models(twin=0.9), found, unseen=True, words=WORDS)[KEY]
    assert not told.evidence and "p = .180 (Holm)" in told.sentence
    assert (told.p, told.p_holm) == (0.03, pytest.approx(0.18))


def test_no_evidence_says_what_so_many_people_would_show():
    found = {KEY: of(0.2, spread=0.1), "stroop.m": of(0.5, spread=0.2)}
    both = models(twin=0.1)
    both["twin"]["stroop"] = {"m": Estimate(0.1)}
    told = verdicts(both, found, unseen=True, words=WORDS)
    # tanh(.1 (z(.975) + z(.8)))
    assert told[KEY].detectable_r == pytest.approx(0.273, abs=1e-3)
    assert told[KEY].sentence.endswith(
        "no evidence that connectomes tell this; r = .27 would show in four of five such cohorts."
    )
    assert headline(told, unseen=True).endswith(
        "after correction for all of them; r from .27 to .51, by claim, would show in four of five "
        "such cohorts."
    )


def test_a_negative_r_never_holds():
    assert not claims_held({KEY: of(1e-6, -0.6)})[KEY][1]
    assert not sentence(models(twin=-0.6), {KEY: of(1e-6, -0.6)})[0]


def test_without_a_test_there_is_no_evidence():
    held, words, head = sentence(models(twin=0.9), {KEY: Evidence(Estimate(None), None)})
    assert not held and words.endswith("no permutation test was possible: no claim.")
    assert head == "No claim about unseen people could be tested."


def test_what_makes_no_claim_says_so():
    held, words, _ = sentence(models(twin=0.9, always_correct=0.8), {})
    assert not held
    assert words.endswith(
        "among unseen people; always pressing the correct button reaches .80; "
        "this figure can claim no evidence about connectomes."
    )
    assert sentence(
        models(twin=0.9) | {"twin": {"faces": {"reaction_time_r": Estimate(None)}}}, {}
    )[1] == ("Faces RT r: undefined here.")


@pytest.mark.parametrize(
    ("metric", "winner"),
    [
        ("error_auc", "high"),
        ("error_log_loss", "low"),
        ("interval_score_s_80", "low"),
        ("coverage_50", "middle"),
        ("omission_rate", "middle"),
    ],
)
def test_the_best_rival(metric, winner):
    values = {"low": 0.1, "middle": 0.5, "high": 0.9, "ceiling": 0.55, "none": None}
    found = {name: {"faces": {metric: Estimate(value)}} for name, value in values.items()}
    assert best(found, "faces", metric, ("low", "none", "middle", "high"), most=1) == (winner,)


def test_numbers_as_the_field_prints_them():
    printed = {0.889: ".89", -0.021: "-.02", -0.9: "-.90", 0.0: ".00", 1.0: "1.00", -1.0: "-1.00"}
    printed |= {0.996: "1.00", 0.995: ".99", -0.995: "-.99", 10.04: "10.04", -20.5: "-20.50"}
    assert {x: number(x) for x in printed} == printed
    assert with_interval(Estimate(0.5, None, -0.1, 1.2, 9)) == ".50 [-.10, 1.20]"
    assert with_interval(Estimate(0.5)) == ".50"


def test_a_contradicted_claim_is_not_evidence_and_says_why():
    found = models(twin=0.38, demographics=0.11)
    held, words, head = sentence(found, {KEY: of(0.001)}, against=["other connectomes reach .34"])
    assert not held
    assert "p = .001 (Holm), but other connectomes reach .34: no claim." in words
    assert "contradicted" in head and "Faces RT r" in head


def test_too_few_people_are_told_first_and_without_figures():
    few = of(0.4, r=-0.85, spread=0.5)._replace(folds=3)
    held, words, head = sentence(models(twin=-0.85), {KEY: few})
    assert not held and "-.85" not in words
    assert words.startswith("Faces RT r: 200 people in 3 folds cannot answer this: only r above .8")
    assert head.startswith("200 people cannot answer")


def test_too_few_people_with_a_clear_claim_still_make_it():
    clear = of(0.001, r=0.95, spread=0.5)
    assert sentence(models(twin=0.95), {KEY: clear})[0]


def test_an_undefined_test_names_its_reason():
    few = Evidence(Estimate(None), None, why="too few people saw each trial list")
    assert (
        "too few people saw each trial list: no claim." in sentence(models(twin=0.9), {KEY: few})[1]
    )
