"""The pages under docs/ tell what is there: examples run, commands parse, links lead somewhere."""

import html
import importlib
import importlib.util
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import pytest
import yaml
from absl import flags
from ml_collections import config_flags
from typer.main import get_command

from docs.hooks import options as option_reference
from docs.schemes import SCHEMES
from docs.screenshots import chromium, look
from dtb_jax.cli import app
from dtb_jax.workflows import seen
from dtb_jax.workflows.config import StudyConfig
from tests.small import write_small_cohort

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*DOCS, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
LONG = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
DTB = get_command(app)
INSTALL = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def blocks(page):
    """Language and text of every fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def commands(page):
    """Words of every command in fenced blocks: from `dtb` or `python -m` on, one a line."""
    for kind, text in blocks(page):
        if kind in ("bash", ""):
            for line in re.sub(r"\\\n", " ", text).split("\n"):
                for part in line.split(" && "):
                    words = shlex.split(part, comments=True)
                    if words:
                        yield [Path(words[0]).name, *words[1:]]


def spans(page):
    """Words of every inline `code` of one line."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for code in re.findall(r"`([^`\n]+)`", text):
        try:
            yield shlex.split(code) or [""]
        except ValueError:  # a quotation mark of something else
            continue


def options_of(name):
    """Every way to write an option of `dtb NAME`."""
    return {flag for one in DTB.commands[name].params for flag in (*one.opts, *one.secondary_opts)}


EVERY_OPTION = set().union(*map(options_of, DTB.commands))


@LONG
def test_commands_parse(page):
    for first, *words in commands(page):
        if first == "dtb":
            if words != ["--version"]:
                with DTB.make_context("dtb", list(words)) as context:
                    DTB.commands[words[0]].make_context(words[0], words[1:], parent=context)
        elif first in ("python", "python3") and words[0] == "-m":
            experiment(words[1], words[2:])
        elif first == "pip":
            asked = re.findall(r"\.\[([\w,]+)\]", " ".join(words))
            extras = {name for names in asked for name in names.split(",")}
            assert extras <= set(INSTALL["optional-dependencies"])


def experiment(module, words):
    """The module is there and takes these options."""
    assert importlib.util.find_spec(module), module
    if not module.startswith("experiments."):
        return
    told = flags.FlagValues()
    config = importlib.import_module(module).get_config()
    flags.DEFINE_string("workdir", None, "", flag_values=told)
    with mock.patch.object(sys, "argv", [module, *words]):  # where overrides are looked for
        config_flags.DEFINE_config_dict("config", config, flag_values=told)
        assert told(sys.argv) == [module], words


@LONG
def test_options_named_in_sentences_are_there(page):
    for first, *words in spans(page):
        named = [first, *words]
        if first == "dtb" and words and not words[0].startswith("-"):
            assert words[0] in DTB.commands, named
            flagged = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert flagged <= options_of(words[0]), named
        elif first.startswith("--config."):
            name = first.removeprefix("--config.").partition("=")[0]
            assert name == "NAME" or name in leaves(), named
        elif page in DOCS and first.startswith("--"):
            assert first.partition("=")[0] in EVERY_OPTION | SITE, named
        elif first == "python" and words[:1] == ["-m"]:
            experiment(words[1], words[2:])
        elif re.fullmatch(r"experiments(\.\w+)+", first):
            module, _, name = first.rpartition(".")
            there = importlib.util.find_spec(first) if module == "experiments" else None
            assert there or hasattr(importlib.import_module(module), name), named


SITE = {"--dry-run"}


def leaves():
    """Every option of any experiment."""
    found = set()
    for path in (ROOT / "experiments").glob("*.py"):
        module = importlib.import_module(f"experiments.{path.stem}")
        if hasattr(module, "get_config"):
            found |= set(module.get_config())
    return found


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Small data in the place of the folders that pages name."""
    out = tmp_path_factory.mktemp("out")
    for name in ("quickstart", "groundtruth"):
        cohort = out / name / "cohort"
        if name == "quickstart":
            write_small_cohort(cohort, participants=6)
        else:
            shutil.copytree(out / "quickstart" / "cohort", cohort)
    options = StudyConfig.of(data=str(cohort), units=8, width=10, epochs=2, identity=False)
    seen.evaluate(options, out / "study", seen.train(options, out / "study"))
    shutil.copytree(out / "study" / "twin", out / "quickstart" / "twin")
    (out / "study" / "edits").mkdir()
    kept = ROOT / "benchmarks" / "results" / "interventions" / "zero.json"
    shutil.copy(kept, out / "study" / "edits" / "metrics.json")
    return out


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (page, code)
        for page in (*DOCS, ROOT / "README.md")
        for kind, code in blocks(page)
        if kind == "python"
    ],
    ids=lambda one: one.stem if isinstance(one, Path) else "",
)
def test_examples_run(page, code, places, capsys):
    exec(code.replace('"out/', f'"{places}/'), {})
    assert capsys.readouterr().out.strip()


GALLERY = sorted((ROOT / "docs" / "gallery").glob("*.py"))


@pytest.mark.parametrize("script", GALLERY, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore:.*non-interactive:UserWarning")
def test_gallery_example_runs_and_labels_its_picture_as_simulated(script, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    plt.close("all")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    runpy.run_path(str(script))
    (figure,) = map(plt.figure, plt.get_fignums())
    titles = [axes.get_title("left") + axes.get_title() for axes in figure.axes]
    assert "simulated" in " ".join(titles).lower()
    plt.close("all")


def test_gallery_is_in_the_contents():
    contents = (ROOT / "mkdocs.yml").read_text("utf-8")
    for script in GALLERY:
        assert f": gallery/{script.name}" in contents, script


def test_option_reference_lists_every_option_with_its_bounds():
    page = "".join(map(option_reference.section, DTB.commands.values()))
    for name, command in DTB.commands.items():
        section = option_reference.section(command)
        flags = {flag for flag in re.findall(r"`(--[\w-]+)`", section)}
        assert options_of(name) & flags == {o for o in options_of(name) if o.startswith("--")}
    assert "| `--epochs` | `30` |" in page
    assert "`--data`" not in page  # a command's argument
    assert "at least 0, less than 1" in page
    train = option_reference.section(DTB.commands["train"])
    assert train.index("### Basic") < train.index("### Network") < train.index("### Training")


def test_schemes_are_as_their_script_draws_them():
    for name, scheme in SCHEMES.items():
        assert (ROOT / "docs" / "images" / name).read_text("utf-8") == scheme().svg(), name


def test_troubleshooting_quotes_messages_of_the_code():
    source = "".join(path.read_text("utf-8") for path in (ROOT / "dtb_jax").rglob("*.py"))
    source = re.sub(r'"\s*\n\s*f?"', "", source)  # one sentence over several lines
    page = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    quoted = [
        words
        for cell in re.findall(r"^\| ([^|]*) \|", page, re.MULTILINE)
        for words in re.findall(r"`([^`]+)`", cell)
        if " " in words
    ]
    assert len(quoted) > 40
    assert [words for words in quoted if words not in source] == []


def test_the_walk_is_that_of_the_code():
    """Eight files, and in each the functions that the page names."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    steps = re.findall(r"^\d\. \*\*`([\w/]+)\.py`\*\*, (.*?)(?=^\d\. |\n\n)", page, re.M | re.S)
    assert 4 <= len(steps) <= 8
    for file, words in steps:
        module = importlib.import_module(f"dtb_jax.{file.replace('/', '.')}")
        named = words.partition(":")[0]
        for name in re.findall(r"`([\w.]+)`", named):
            found = module
            for part in name.split("."):
                found = getattr(found, part)


def test_pages_name_files_that_are_there():
    for page in DOCS:
        for name in re.findall(r"`((?:\w+/)+\w+\.py)`", page.read_text("utf-8")):
            assert (ROOT / "dtb_jax" / name).exists() or (ROOT / name).exists(), (page.name, name)


@LONG
def test_no_page_speaks_of_one_machine(page):
    text = page.read_text("utf-8")
    assert not re.search(r"\.\./shared|/work/|/path/to|/home/", text)


def test_the_readme_is_short_and_every_how_to_is_in_the_contents():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 120
    assert len((ROOT / "docs" / "architecture.md").read_text("utf-8").splitlines()) <= 120
    contents = (ROOT / "mkdocs.yml").read_text("utf-8")
    for page in DOCS:
        assert f": {page.relative_to(ROOT / 'docs')}" in contents, page


def test_the_task_shown_is_the_example():
    page, file = ROOT / "docs" / "tasks.md", ROOT / "docs" / "examples" / "emomatching.yaml"
    (shown,) = (yaml.safe_load(text) for kind, text in blocks(page) if kind == "yaml")
    whole = yaml.safe_load(file.read_text("utf-8"))
    whole["channels"] = whole["channels"][: len(shown["channels"])]
    assert shown == whole


def test_extras_are_those_of_the_package():
    told = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "install.md").read_text(), re.MULTILINE)
    assert set(told) == set(INSTALL["optional-dependencies"]) - {"all"}


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "api").glob("*.md")), ids=lambda p: p.stem)
def test_the_api_names_what_is_there(page):
    """mkdocstrings passes over members that are not."""
    found = re.findall(r"^::: (\S+)\n((?:    .*\n)*)", page.read_text("utf-8"), re.MULTILINE)
    for module, options in found:
        for name in re.findall(r"\w+", "".join(re.findall(r"members: \[(.*)\]", options))):
            assert hasattr(importlib.import_module(module), name), (module, name)


@LONG
def test_links_lead_to_files(page):
    text = page.read_text("utf-8")
    for told in re.findall(r"\]\(([^)\s#:]+)(?:#[^)\s]*)?\)", text):
        assert (page.parent / told).exists(), told


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, without a warning."""
    for name in ("material", "mkdocstrings", "nbformat"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'dtb_jax[docs]'")
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert built.returncode == 0 and "WARNING -" not in built.stderr, built.stderr
    return folder


def test_the_site_asks_for_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for path in pages:
        text = path.read_text("utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)[^>]* src="?(https?:[^" >]*)', text)
        loaded += re.findall(r'<link[^>]* href="?(https?:[^" >]*)', text)
        assert loaded == [], path


def test_signatures_have_a_parameter_a_line(site):
    """mkdocstrings breaks them only where a formatter (ruff) is installed."""
    lines = []
    for path in (site / "api").glob("*.html"):
        for found in re.findall(r"doc-signature.*?<code>(.*?)</code>", path.read_text(), re.DOTALL):
            text = html.unescape(re.sub("<[^>]+>", "", found))
            if re.match(r"\w+\(", text):  # not a constant and its value
                lines += text.splitlines()
    assert len(lines) > 300
    longest = max(lines, key=len)
    assert len(longest) <= 100, longest


def test_search_works_in_a_folder_without_a_server(site):
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is absent: pip install 'dtb_jax[browser]'"
    )
    if chromium() is None:
        pytest.skip("no Chromium; CHROMIUM may name one")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((site / "index.html").as_uri())
        page.locator(".md-search__input").first.click()
        page.locator(".md-search__input").first.press_sequentially("identity", delay=20)
        page.wait_for_selector(".md-search-result__item", timeout=30_000)
        assert "verdict.html" in " ".join(
            link.get_attribute("href") for link in page.locator("a.md-search-result__link").all()
        )
        browser.close()


@pytest.fixture(scope="module")
def served(site):
    """Its address on this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "page",
    [
        *("index", "own_data", "readme", "results", "troubleshooting", "glossary", "which_model"),
        *("architecture", "decisions/mixed_effects", "api/twin", "api/evaluation"),
        *("reference/options", "gallery/index", "gallery/own_model"),
        "notebooks/design_an_intervention",
    ],
)
def test_pages_fit_a_phone_and_a_desk(served, page):
    pytest.importorskip("playwright", reason="playwright is absent: pip install 'dtb_jax[browser]'")
    if chromium() is None:
        pytest.skip("no Chromium; CHROMIUM may name one")
    address = f"{served}{page}.html"
    wide = ".md-typeset__scrollwrap, pre, .md-search"  # tables, code, and the closed search box
    assert look(address, within=served, scrolls=wide, paper=False).faults == []
