"""What pages link to beyond docs/ comes along: links work on GitHub and on the site alike.

README.md and other Markdown become pages, at the same place in the site as in the repository,
results become files, and a link to a folder becomes its words.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

LINK = re.compile(r"(\[[^\[\]]*(?:\[[^\]]*\][^\[\]]*)*\])\(([^)\s#:]+)(#[^)\s]*)?\)")
"""[words](path#place), with brackets or a picture in the words; no address has a colon here."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Names in the table of contents are where the site has them; pages not there are left out."""
    root, docs = _places(config)

    def here(told):
        if isinstance(told, list):
            return [one for one in map(here, told) if one]
        if isinstance(told, dict):
            return {title: inside for title, one in told.items() if (inside := here(one))}
        path = (docs / told).resolve()
        return _uri(path, root, docs) if path.exists() else None

    config.nav = here(config.nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Everything that a page links to, and what that links to."""
    root, docs = _places(config)
    waiting = [_path(one, root, docs) for one in files if one.is_documentation_page()]
    waiting += [root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    waiting = [path for path in waiting if path.exists()]
    known = set()
    while waiting:
        path = waiting.pop()
        if path in known:
            continue
        known.add(path)
        if files.get_file_from_path(_uri(path, root, docs)) is None:
            files.append(File.generated(config, _uri(path, root, docs), abs_src_path=str(path)))
        if path.suffix == ".md":
            waiting += [target for target in _targets(path) if target.is_file()]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as the site needs them; addresses in code stay as they are."""
    root, docs = _places(config)
    path = _path(page.file, root, docs)

    def settled(found: re.Match) -> str:
        words, told, place = found[1], found[2], found[3] or ""
        target = (path.parent / told).resolve()
        if target.is_dir():
            return words[1:-1]
        if not target.exists():
            return found[0]
        uri = _uri(target, root, docs)
        return f"{words}({os.path.relpath(uri, os.path.dirname(page.file.src_uri))}{place})"

    blocks = re.split(r"(^```.*?^```)", markdown, flags=re.DOTALL | re.MULTILINE)
    return "".join(one if one.startswith("```") else LINK.sub(settled, one) for one in blocks)


def _targets(path: Path) -> Iterator[Path]:
    for found in LINK.finditer(path.read_text(encoding="utf-8")):
        yield (path.parent / found[2]).resolve()


def _places(config: MkDocsConfig) -> tuple[Path, Path]:
    docs = Path(config.docs_dir).resolve()
    return docs.parent, docs


def _uri(path: Path, root: Path, docs: Path) -> str:
    """Where the site has a file; README.md as readme.md, since mkdocs would make it an index."""
    inside = path.relative_to(docs if path.is_relative_to(docs) else root)
    name = inside.name.replace("README.md", "readme.md").replace(".ipynb", ".md")
    if inside.parent.name == "gallery":  # docs/hooks/gallery.py makes a page of a script
        name = name.replace(".py", ".md")
    return inside.with_name(name).as_posix()


def _path(file: File, root: Path, docs: Path) -> Path:
    """Where the repository has what the site has; a page made of a notebook lies beside it."""
    uri = file.src_uri.replace("readme.md", "README.md")
    return docs / uri if (docs / uri).parent.exists() and not (root / uri).exists() else root / uri
