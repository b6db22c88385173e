"""Reports in a real browser: nothing is too wide, loaded, or wrong; the metrics are inside."""

import json

import pytest

from docs.screenshots import chromium, look
from dtb_jax.reporting import plots
from dtb_jax.reporting.report import write_page, write_report

pytest.importorskip("playwright", reason="playwright is absent: pip install 'dtb_jax[browser]'")
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium; CHROMIUM may name one")

FIGURE = {"value": -0.512, "sd": None, "ci_low": -0.634, "ci_high": 0.412, "n": 228}
LONG = "a_word_without_any_space_" * 8
METRICS = {
    "protocol": {
        "split": "people",
        "participants": 228,
        "units": 32,
        "twin": f"/scratch/{LONG}/{LONG}",
        "versions": {name: "0.10.2" for name in ("jax", "flax", "optax", "nilearn")},
        "tested_in_a_fold": [23] * 40,
        "note": "</script><!-- & '\" \u2028",
    },
    "models": {
        name: {"faces": {f"a_metric_with_a_long_name_{k}": FIGURE for k in range(40)}, "bold": {}}
        for name in ("twin", *(f"a_model_with_a_long_name_{k}" for k in range(20)))
    },
    "verdict": {
        f"faces.{k}": {"evidence": k == 0, "sentence": f"{LONG} r < 1. " * 5, "p": p}
        for k, p in enumerate((0.01, 0.2, None, None))
    },
    "permutation_p": {},
    "timing": {"train_s": 12.345678, "compile_s": None, "families_s": {"twin": {"a": 1.0}}},
}


@pytest.fixture
def picture(tmp_path):
    figure, axes = plots.frame(1, 1, (16.0, 3.0), "simulated connectomes")
    axes[0, 0].plot([0, 1])
    figure.savefig(tmp_path / "wide.png")
    return tmp_path / "wide.png"


def metrics_inside(path):
    text = path.read_text(encoding="utf-8").split('id="metrics">')[1]
    return json.loads(text.split("</script>")[0])


def test_a_long_report_fits_phone_desk_and_paper(tmp_path, picture):
    path = tmp_path / "report.html"
    write_report(
        path,
        title=f"Twins of {LONG}",
        first_line="Connectomes are simulated. Nothing here is evidence about brains.",
        summary=[LONG, "a short one"],
        metrics=METRICS,
        headline=f"None of 10 claims ({LONG}) has evidence.",
        people="Nobody tested was seen in training.",
        figures=[("A caption. " * 30, picture)],
        exclusions=[(f"sub-{LONG}", f"run-{LONG}", f"/data/{LONG}", "no file of this run")] * 3,
    )
    assert look(path, tmp_path / "report", pdf=tmp_path / "report.pdf").faults == []
    assert all((tmp_path / f"report_{width}.png").exists() for width in (400, 1400))
    assert (tmp_path / "report.pdf").stat().st_size > 10_000
    assert metrics_inside(path) == METRICS


def test_a_sweep_of_many_columns_fits(tmp_path, picture):
    path = tmp_path / "sweep.html"
    write_page(
        path,
        "sweep.html.j2",
        title="Sweep",
        first_line="All data measured.",
        summary=[],
        metrics={"protocol": METRICS["protocol"] | {"axes": ["units", "seed"]}, "timing": {}},
        figures=[("points", picture)],
        columns=[f"learning_rate_{k}" for k in range(14)],
        rows=[["0.0012345"] * 14] * 30,
    )
    assert look(path).faults == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<p style='width: 900px'>wide</p>", "too wide"),
        ("<script>console.error('oh')</script>", "oh"),
        ("<script>nothing()</script>", "nothing is not defined"),
        ("<img src='https://example.org/a.png'>", "asked for https://example.org/a.png"),
        (
            "<div class='scroll' style='overflow: auto'><p style='width: 900px'>cut</p></div>",
            "paper",
        ),
    ],
)
def test_faults_are_found(tmp_path, body, fault):
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{body}</body>", encoding="utf-8")
    assert any(fault in one for one in look(path).faults)
