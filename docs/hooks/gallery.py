"""Examples as pages: every script of docs/gallery runs, and becomes a page with its picture.

A script is a docstring (title and introduction), then blocks that begin with `# %%`: lines of
comment, which are Markdown, and code. This is the format of sphinx-gallery.
"""

import ast
import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbclient import NotebookClient

from docs.hooks.notebooks import as_markdown

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "gallery"
CACHE = ROOT / "out" / "gallery"
"""Executed examples, so that `mkdocs serve` need not wait for them at every change of a page."""
SETUP = """
import os
os.environ["TQDM_DISABLE"] = "1"
from pathlib import Path
import jax
jax.config.update("jax_compilation_cache_dir", str(Path.home() / ".cache" / "dtb_jax"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
import matplotlib
%matplotlib inline
import dtb_jax.reporting.plots.style
matplotlib.rcParams["figure.dpi"] = 140
"""
"""What runs before an example and is not shown."""
AT_ONCE = 2
"""Examples that run side by side."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """A page and its pictures for every example."""
    scripts = examples(config)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        notebooks = list(pool.map(executed, scripts))
    for script, notebook in zip(scripts, notebooks):
        text, pictures = as_markdown(notebook, script.stem)
        text += f"\nThe script: `docs/gallery/{script.name}`\n"
        pictures[thumbnail(script)] = list(pictures.values())[-1]
        for name, content in pictures.items():
            files.append(File.generated(config, f"gallery/{name}", content=content))
        files.append(File.generated(config, f"gallery/{script.stem}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The index shows every example's picture, title and introduction."""
    if page.file.src_uri != "gallery/index.md":
        return markdown
    cards = []
    for script in examples(config):
        title, introduction = ast.get_docstring(parsed(script)).split("\n\n", 1)
        title = title.removeprefix("# ")
        first = re.split(r"(?<=[.?]) ", " ".join(introduction.split()))[0]
        link = f"[![{title}]({thumbnail(script)})**{title}**]({script.stem}.md)"
        cards.append(f'<div class="card" markdown>\n\n{link}\n\n{first}\n\n</div>')
    return f'{markdown}\n<div class="gallery" markdown>\n\n' + "\n\n".join(cards) + "\n\n</div>\n"


def examples(config: MkDocsConfig) -> list[Path]:
    """The scripts of the gallery, in the order of the table of contents."""
    names = re.findall(r"gallery/(\w+)\.md", str(config.nav))
    return [FOLDER / f"{name}.py" for name in names if name != "index"]


def thumbnail(script: Path) -> str:
    """Name of the picture that stands for an example, its last."""
    return f"{script.stem}_thumbnail.png"


def parsed(script: Path) -> ast.Module:
    return ast.parse(script.read_text("utf-8"))


def cells(script: Path) -> Iterator[nbformat.NotebookNode]:
    """The blocks of a script as cells of a notebook."""
    yield nbformat.v4.new_markdown_cell(ast.get_docstring(parsed(script)))
    for block in re.split(r"^# %%\n", script.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        prose = re.match(r"(?:#.*\n)*", block)[0]
        if prose:
            yield nbformat.v4.new_markdown_cell(re.sub(r"^# ?", "", prose, flags=re.M).strip())
        if code := block[len(prose) :].strip():
            yield nbformat.v4.new_code_cell(code)


def executed(script: Path) -> nbformat.NotebookNode:
    """A script as a notebook, with the outputs of its code."""
    path = CACHE / f"{script.stem}-{digest(script)}.ipynb"
    if path.exists():
        return nbformat.read(path, as_version=4)
    setup = nbformat.v4.new_code_cell(SETUP)
    notebook = nbformat.v4.new_notebook(cells=[setup, *cells(script)])
    resources = {"metadata": {"path": str(ROOT)}}
    NotebookClient(notebook, timeout=600, resources=resources).execute()
    notebook.cells = notebook.cells[1:]
    CACHE.mkdir(parents=True, exist_ok=True)
    for outdated in CACHE.glob(f"{script.stem}-*.ipynb"):
        outdated.unlink()
    nbformat.write(notebook, path)
    return notebook


def digest(script: Path) -> str:
    """Of a script, this hook and the library: another one of these is another result."""
    sources = [script, Path(__file__), *sorted((ROOT / "dtb_jax").rglob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
