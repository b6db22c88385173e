"""Arrays that do not fit each other are refused in one sentence, before anything is compiled."""

from dataclasses import replace

import numpy as np
import pytest

from dtb_jax import fit
from dtb_jax.twin.checks import checked, rows_of
from tests.small import PEOPLE, SETTINGS, STEPS, pressing_people, twin_of


def arguments(connectomes=None, people=None, settings=SETTINGS, **changed):
    own, runs = pressing_people()
    edges = own if connectomes is None else connectomes
    run = runs._replace(**changed)
    return twin_of(own), edges, run, run, people, np.arange(PEOPLE), settings


def nan_where(leaf, where):
    return np.where(where, np.nan, np.asarray(leaf))


def runs_with(field, make):
    return {field: make(np.array(getattr(pressing_people()[1], field)))}


def one_nan(leaf):
    leaf[2, 0, 5, 0] = np.nan
    return leaf


@pytest.mark.parametrize(
    ("changed", "facts"),
    [
        ({"connectomes": np.zeros((0, 30), "f")}, ["(0, 30)"]),
        ({"connectomes": np.zeros((PEOPLE, 29), "f")}, ["29 edges", "30"]),
        ({"connectomes": np.zeros((4, 30), "f")}, ["row 4", "0 to 3"]),
        ({"connectomes": np.zeros((9, 30), "f")}, ["runs of 6 people", "9"]),
        ({"people": np.array([0, 99])}, ["row 99", "0 to 5"]),
        ({"people": np.array([-1])}, ["row -1"]),
        ({"people": np.zeros(PEOPLE, bool)}, ["nobody"]),
        ({"people": np.ones(3, bool)}, ["mask", "(3,)"]),
        ({"people": np.array([0.5])}, ["float64"]),
        (runs_with("stimulus", one_nan), ["stimulus", "row 2"]),
        (runs_with("press", one_nan), ["press", "row 2"]),
        (runs_with("bold", one_nan), ["bold", "row 2"]),
        (runs_with("stimulus", lambda leaf: leaf[..., :2]), ["inputs: 2", "3"]),
        (runs_with("bold", lambda leaf: leaf[..., :1]), ["actions and regions: 3", "4"]),
        (runs_with("at_risk", lambda leaf: leaf[:, :, :9]), ["at_risk", "(6, 1, 9)"]),
        (
            runs_with("available", lambda leaf: leaf * [1, 0]),
            ["press", "action 1", "not available"],
        ),
        (
            {"settings": replace(SETTINGS, segment_steps=STEPS + 1)},
            [f"segment_steps {STEPS + 1}", f"runs of {STEPS} steps"],
        ),
        (
            {"settings": replace(SETTINGS, bold_warmup_steps=40)},
            ["bold_warmup_steps 40", "no BOLD would count"],
        ),
    ],
)
def test_checked_names_what_does_not_fit(changed, facts):
    with pytest.raises(ValueError) as told:
        checked(*arguments(**changed))
    assert all(fact in str(told.value) for fact in facts), told.value
    assert "\n" not in str(told.value)


def test_checked_names_the_row_whose_connectome_holds_nan():
    edges = pressing_people()[0]
    edges[2, 7] = np.nan
    with pytest.raises(ValueError, match="row 2"):
        checked(*arguments(edges))


def test_checked_refuses_runs_without_a_step_at_risk_and_without_bold():
    _, runs = pressing_people()
    nothing = {"at_risk": 0 * runs.at_risk, "press": 0 * runs.press}
    with pytest.raises(ValueError, match="no step is at risk"):
        checked(*arguments(**nothing, bold_mask=0 * runs.bold_mask))
    checked(*arguments(**nothing))  # a task without presses is learned from BOLD


def test_checked_takes_a_mask_for_its_rows():
    mask = np.arange(PEOPLE) % 2 == 0
    np.testing.assert_array_equal(checked(*arguments(people=mask))[2], [0, 2, 4])
    np.testing.assert_array_equal(rows_of(None, 3), [0, 1, 2])


def test_fit_is_the_same_with_nan_behind_a_mask():
    connectomes, runs = pressing_people()
    mask = np.array(runs.bold_mask)
    mask[:, :, 50:] = 0
    hidden = nan_where(runs.bold, mask[..., None] == 0)
    found = []
    for bold in (np.asarray(runs.bold), hidden):
        history = []
        run = runs._replace(bold=bold, bold_mask=mask)
        fit(
            twin_of(connectomes),
            connectomes,
            run,
            run,
            np.arange(PEOPLE),
            replace(SETTINGS, epochs=1),
            seed=0,
            on_epoch=lambda state, row, history=history: history.append(row["train_loss"]),
        )
        found.append(history)
    assert found[0] == found[1]
