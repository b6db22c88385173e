"""The packaged trial lists."""

import numpy as np
import pandas as pd
import pytest

from dtb_jax.data.tasks import FACES, STROOP
from dtb_jax.data.tasks.designs import load_design


@pytest.mark.parametrize(
    ("name", "trials", "first"),
    [("faces", 108, 11.08), ("stroop_ap", 78, 2.0), ("stroop_pa", 78, 2.0)],
)
def test_designs_decode(name, trials, first):
    task = FACES if name == "faces" else STROOP
    design = load_design(name)
    assert not {"response_time", "accuracy_binarized"} & set(design.columns)
    decoded, drive = task.decode(design.assign(response_time=np.nan, accuracy_binarized=0.0))
    assert len(decoded.onset_s) == trials
    assert decoded.onset_s[0] == pytest.approx(first, abs=0.02)
    assert (np.diff(decoded.onset_s) > 0).all() and (decoded.duration_s > 0).all()
    assert np.isfinite(drive.start_s).all() and (drive.stop_s > drive.start_s).all()
    if task is FACES:
        assert list(np.bincount(decoded.condition)) == [54, 54]
        assert list(np.bincount(decoded.correct)) == [54, 54]
        assert design["cueStartTime"].notna().sum() == 18
    else:
        assert list(np.bincount(decoded.condition)) == [54, 24]
        assert sorted(np.unique(decoded.duration_s)) == [2.0, 4.0]  # the word, not the trial


def test_designs_equal_the_events(shared):
    runs = {"hammerAP": "faces", "stroopAP": "stroop_ap", "stroopPA": "stroop_pa"}
    for run, name in runs.items():
        path = sorted(shared.glob(f"tcp/sub-*/func/*_task-{run}_run-01_events.tsv"))[0]
        events, design = pd.read_csv(path, sep="\t"), load_design(name)
        np.testing.assert_allclose(events["onset"], design["onset"], atol=0.2)
        for column in {"trial_type", "stimulus_text", "stimulus_color", "stimTop"} & set(
            design.columns
        ):
            assert list(events[column].str.strip()) == list(design[column])


def test_an_unknown_design_is_one_sentence():
    with pytest.raises(ValueError, match="unknown design 'nback', expected one of faces"):
        load_design("nback")
