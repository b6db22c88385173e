"""The page of options: tables of every command, from the declarations that its help is made of."""

from collections.abc import Iterator

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from typer.core import TyperCommand, TyperOption
from typer.main import get_command

from dtb_jax.cli import app
from dtb_jax.data import DataConfig
from dtb_jax.twin.option import BASIC, leaves
from dtb_jax.workflows.cluster import Cluster
from dtb_jax.workflows.config import HeldOutConfig, InterventionConfig, StudyConfig

PAGE = "reference/options.md"
CONFIGS = {
    "check": (DataConfig,),
    "train": (StudyConfig,),
    "evaluate": (HeldOutConfig, Cluster),
    "intervene": (InterventionConfig, Cluster),
}
"""Whose declarations have the bounds of a command's options."""
BOUNDS = {"least": "at least", "above": "more than", "most": "at most", "below": "less than"}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The tables, below what the page says itself."""
    if page.file.src_uri != PAGE:
        return markdown
    return markdown + "\n" + "\n".join(map(section, get_command(app).commands.values()))


def section(command: TyperCommand) -> str:
    """A command: what it does, its arguments, and a table for every heading of its help."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join(["dtb", command.name, *(p.metavar or p.name.upper() for p in arguments)])
    summary = (command.help or "").split("\n\n")[0].replace("\n", " ")
    lines = [f"## `{usage}`", "", summary, ""]
    tables: dict[str, list[str]] = {}
    for name, row in rows(command):
        tables.setdefault(name, []).append(row)
    for name in sorted(tables, key=lambda name: name != BASIC):
        lines += [f"### {name} {{ #{command.name}-{name.lower().replace(' ', '-')} }}", ""]
        lines += ["| option | default | meaning |", "|---|---|---|", *tables[name], ""]
    return "\n".join(lines)


def rows(command: TyperCommand) -> Iterator[tuple[str, str]]:
    """Heading and table row of every option, in the order of the help."""
    declared = {k: leaf for one in CONFIGS.get(command.name, ()) for k, leaf in leaves(one).items()}
    for option in command.params:
        if option.param_type_name == "argument":
            continue
        flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
        about = declared[option.name].about if option.name in declared else {}
        meaning = (option.help or "").replace("|", "\\|")
        limits = [
            f"{words} {about[k]:g}" for k, words in BOUNDS.items() if about.get(k) is not None
        ]
        if limits:
            meaning += f" Allowed: {', '.join(limits)}."
        yield (
            option.rich_help_panel or "This command",
            f"| {flags} | {_default(option)} | {meaning} |",
        )


def _default(option: TyperOption) -> str:
    """As the help shows it."""
    shown = option.show_default
    if isinstance(shown, str):
        return f"`{shown}`"
    if shown and option.default not in (None, False, ""):
        return f"`{option.default}`"
    return ""
