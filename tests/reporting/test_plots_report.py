"""Figures save without a warning; the report is one file that escapes what it is given."""

import json
import re

import numpy as np
import pytest

from dtb_jax.reporting import plots
from dtb_jax.reporting.report import task_tables, write_page, write_report

RNG = np.random.default_rng(0)
FIGURE = {"value": 0.5, "sd": None, "ci_low": 0.4, "ci_high": 0.6, "n": 10}
LABEL = "simulated connectomes and BOLD"


def figures():
    x = RNG.uniform(0.5, 1.2, 30)
    time = np.arange(50) * 0.8
    course = plots.Course("V1", time, x[0] * time, 0.1 + 0 * time, time, [(3.0, 2.0)], "face")
    row = {
        name: 1.0 for part in ("action", "bold") for name in (f"train_{part}", f"validation_{part}")
    }
    history = [{"epoch": float(k), **row, "grad_norm": 1.0, "update_norm": 0.1} for k in (1, 2, 3)]
    trace = plots.Trace("p", time, RNG.uniform(size=(50, 2)), ("a", "b"), [(2.0, 3.0, 4.0)])
    names = [f"{side}_{k}" for side in "LR" for k in range(5)]
    t = list(RNG.normal(size=(2, 10)))
    yield plots.reaction_times([("Faces: twin", x, x, "r = 1"), ("own", x, x, "")], LABEL)
    yield plots.bold_courses([course, course], LABEL)
    bins = np.array([0.1, 0.2]), np.array([0.1, 0.3]), np.array([5.0, 5.0])
    yield plots.reliability([("Faces", {"twin": bins, "item_profile": bins})], LABEL)
    yield plots.group_t(t, t, ["faces", "stroop"], names, "r = 1", LABEL)
    places = RNG.uniform(-50, 50, (10, 3))
    places[0] = np.nan
    yield plots.region_brain({"faces, observed": t[0], "faces, twin": t[1]}, places, names, "", "t")
    yield plots.training_curves(history, 2, LABEL)
    yield plots.action_traces([trace], LABEL)
    yield plots.verdict([("RT r", {"twin": FIGURE, "other": FIGURE})], "")


def test_every_figure_saves(tmp_path):
    for k, figure in enumerate(figures()):
        figure.savefig(tmp_path / f"{k}.png")
        assert (tmp_path / f"{k}.png").stat().st_size > 5000


def test_the_report_is_one_safe_file(tmp_path):
    png = tmp_path / "a.png"
    next(figures()).savefig(png)
    metrics = {
        "protocol": {"split": "time", "participants": 3, "units": 8, "note": "</script><b>"},
        "models": {"twin": {"faces": {"reaction_time_r": FIGURE}}, "group_mean": {}},
        "verdict": {
            "faces.reaction_time_r": {"evidence": True, "sentence": "r < 1", "p": 0.01},
            "faces.choice_concordance": {"evidence": False, "sentence": "none", "p": None},
        },
        "timing": {"train_s": 1, "compile_s": None},
    }
    write_report(
        tmp_path / "report.html",
        title="Twins <b>of</b> people",
        first_line="Connectomes are simulated.",
        summary=["a < b"],
        metrics=metrics,
        headline="Evidence <about> people.",
        people="Nobody was seen.",
        figures=[("caption", png)],
        exclusions=[("sub-<1>", "", "f", "why")],
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;of&lt;/b&gt;" in page
    assert "sub-&lt;1&gt;" in page
    assert "Evidence &lt;about&gt; people." in page
    assert '<li class="claimed">r &lt; 1</li>' in page
    assert "Connectomes are simulated." in page
    assert page.startswith("<!doctype html>")
    assert not re.search(r"""(src|href)=["']?https?:""", page)
    (inside,) = re.findall(r'<script type="application/json" id="metrics">(.*?)</script>', page)
    assert json.loads(inside) == metrics
    assert page.count("<script") == 1


def test_a_number_that_json_does_not_know_is_refused(tmp_path):
    metrics = {"protocol": {"participants": 3}, "timing": {"train_s": float("nan")}}
    shared = {"title": "", "first_line": "", "summary": [], "figures": []}
    with pytest.raises(ValueError, match="JSON"):
        write_page(tmp_path / "a.html", "page.html.j2", metrics=metrics, **shared)


def test_a_wide_task_becomes_several_tables():
    names = [f"metric_{k}" for k in range(11)] + ["reaction_time_r"]
    models = {
        "twin": {"faces": dict.fromkeys(names, FIGURE)},
        "ridge": {"faces": {"reaction_time_r": FIGURE}},
    }
    first, others = task_tables(models, "faces")
    assert first.columns == ["reaction time r"]
    assert [name for name, _ in first.rows] == ["twin", "ridge"]
    assert [len(table.columns) for table in others] == [3, 4, 4]
    assert all([name for name, _ in table.rows] == ["twin"] for table in others)
