"""Notebooks as pages: their text, code and kept outputs as Markdown, and nothing is run."""

import base64
import re
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """A page and its pictures in the place of every notebook."""
    for file in [one for one in files if one.src_uri.endswith(".ipynb")]:
        files.remove(file)
        notebook = nbformat.read(file.abs_src_path, as_version=4)
        text, pictures = as_markdown(notebook, Path(file.src_uri).stem)
        folder = Path(file.src_uri).parent
        for name, content in pictures.items():
            files.append(File.generated(config, (folder / name).as_posix(), content=content))
        page = Path(file.src_uri).with_suffix(".md").as_posix()
        files.append(File.generated(config, page, content=text))
    return files


def as_markdown(notebook: nbformat.NotebookNode, stem: str) -> tuple[str, dict[str, bytes]]:
    """A notebook's Markdown, and its pictures by the names `stem`_0.png, ... that the text uses."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {"text/plain": output.get("text", "")})
            if "image/png" in data:
                name = f"{stem}_{len(pictures)}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![{_title(parts)}]({name})")
            elif "text/html" in data:
                parts.append(_table(data["text/html"]))
            else:
                printed = data["text/plain"].rstrip()
                if parts[-1].startswith("```text"):  # one print after another
                    printed = parts.pop()[len("```text\n") : -len("\n```")] + "\n" + printed
                parts.append(f"```text\n{printed}\n```")
    return "\n\n".join(parts) + "\n", pictures


def _table(html: str) -> str:
    """Of pandas, without its own looks, and in lines that Markdown leaves alone."""
    html = re.sub(r"<style.*?</style>|</?div>", "", html, flags=re.DOTALL)
    html = html.replace('<table border="1" class="dataframe">', "<table>")
    return "\n".join(line.strip() for line in html.splitlines() if line.strip())


def _title(parts: list[str]) -> str:
    """Of a picture: the last heading above it."""
    headings = re.findall(r"^#+ (.+)$", "\n".join(p for p in parts if p[:3] != "```"), re.M)
    return headings[-1] if headings else "figure"
