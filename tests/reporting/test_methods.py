"""The methods text says what a run's metrics say, and nothing else."""

from pathlib import Path

import yaml

from dtb_jax.reporting.citations import PAPER
from dtb_jax.reporting.methods import methods, references

SHARED = {
    "split": "people",
    "participants": 228,
    "parcels": 434,
    "edges": 93961,
    "units": 32,
    "seed": 3,
    "commit": "abc1234",
    "versions": {"jax": "0.9", "python": "3.11"},
    "connectome": "simulated",
    "bold": "none",
    "people_with_behaviour": {"stroopAP_run-01": 226},
}


def text(protocol, **metrics):
    told = {"protocol": SHARED | protocol, "models": {}, "timing": {}} | metrics
    return " ".join(methods(told))


def test_the_time_split():
    said = text({"split": "time", "split_s": 196.8, "response": "pulses", "bold": "measured"})
    assert "first part of each run (196.8 s) trained the twins" in said
    assert "seen in training" in said
    assert "Connectomes were simulated. BOLD was measured." in said
    assert "(pulses)" not in said and "trained to be 1 at a press" in said
    assert "general linear model" in said
    assert "permutations" not in said and "folds" not in said


def test_unseen_people():
    folds = {"folds": 10, "tested_in_a_fold": [22, 23], "repeats": 3, "response": "hazard"}
    said = text(folds, permutation_p={"ridge": {}})
    assert "split into 10 folds of 22 and 23" in said
    assert "3 times" in said
    assert "competing hazards" in said and "lapses" not in said
    assert "2,000 permutations" in said and "Holm" in said
    assert "There was no BOLD." in said and "general linear model" not in said
    assert "seen in training" not in said


def test_interventions_of_a_mixed_twin():
    edits = {
        "twin": "mixed",
        "trained_on": 171,
        "edited": 228,
        "edited_unseen": 57,
        "seeds": 1,
        "budget_z": 6.919,
    }
    said = text(edits, support={"faces_bold": {}}, truth={"slope": {}})
    assert "learned from 171 people" in said
    assert "228 people were edited, 57 of them unseen" in said
    assert "6.92" in said
    assert "hypernetwork" not in said and "lapses" in said
    assert "simulated from known causes" in said


def test_what_is_absent_is_not_said():
    said = methods({"protocol": {"participants": 5, "parcels": 9}, "timing": {}})
    assert said[0] == "The data are of 5 people. A connectome has 9 parcels."
    assert len(said) == 2
    assert "button" not in text({})
    assert "bootstrap" in text({})
    sweep = methods({"protocol": SHARED | {"axes": ["units", "seed"]}, "timing": {}})
    assert "repeated over units, seed" in " ".join(sweep) and "bootstrap" not in " ".join(sweep)


def test_what_is_cited_is_used():
    found = references({"protocol": SHARED})
    assert any("JAX: composable" in one for one in found)
    assert not any("Nilearn" in one or "Abraham" in one or "Holm" in one for one in found)
    with_brain = SHARED | {"versions": {"nilearn": "0.14"}}
    assert any("Abraham" in one for one in references({"protocol": with_brain}))
    assert any("Holm" in one for one in references({"protocol": SHARED, "permutation_p": {}}))
    assert any("dtb_jax" in one and "abc1234" in one for one in found)


def test_the_paper_is_cited_as_in_the_citation_file():
    cited = yaml.safe_load((Path(__file__).parents[2] / "CITATION.cff").read_text("utf-8"))
    (paper,) = cited["references"]
    for part in (paper["title"], paper["doi"], paper["journal"], str(paper["year"])):
        assert part in PAPER
    (mine,) = (one for one in references({"protocol": SHARED}) if "abc1234" in one)
    assert cited["title"] in mine and cited["version"] in mine
