"""Look at a report as a phone, a desk and a printer show it, and say what is wrong with it.

    python docs/screenshots.py REPORT.html docs/images/report

writes report_400.png and report_1400.png (the top of the page), prints overflow, errors and
requests, and exits 1 if there are any. Needs `pip install playwright` and a Chromium, found on the
path or named by the environment's CHROMIUM; nothing is downloaded.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

WIDTHS = (400, 1400)
PAPER = 700
"""CSS pixels between the margins of an A4 sheet."""
HEIGHT = 2000
"""Of a screenshot."""
WIDER = """(paper) => {
  const page = document.documentElement, edge = page.clientWidth, found = [];
  for (const e of document.body.querySelectorAll("*")) {
    const beyond = e.getBoundingClientRect().right > edge + 1;
    const cut = e.matches(".scroll") && e.scrollWidth > e.clientWidth + 1;
    const closed = e.matches("details:not(.screen) > summary + *") && !e.checkVisibility();
    if (paper ? cut || closed : beyond && !e.closest(".scroll"))
      found.push(`${e.tagName.toLowerCase()}.${e.className} ${e.textContent.trim().slice(0, 60)}`);
  }
  return [page.scrollWidth - edge, found];
}"""


class Seen(NamedTuple):
    """What a browser found; all empty or 0 where nothing is wrong."""

    overflow: dict[str, int]  # pixels by which the document is wider than its window
    wider: dict[str, list[str]]  # elements beyond it; on paper, what it cuts or hides
    messages: list[str]  # errors and warnings
    requests: list[str]  # of anything but the file

    @property
    def faults(self) -> list[str]:
        """In words."""
        found = [f"{where}: {px} px too wide" for where, px in self.overflow.items() if px > 0]
        found += [f"{where}: not to be seen: {e}" for where, es in self.wider.items() for e in es]
        return found + self.messages + [f"asked for {url}" for url in self.requests]


def chromium() -> str | None:
    """Path of a browser, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def look(
    path: Path | str,
    pictures: Path | None = None,
    height: int | None = HEIGHT,
    pdf: Path | None = None,
    within: str = "",
    scrolls: str = ".scroll",
    paper: bool = True,
) -> Seen:
    """Open a page offline at every width, and as print.

    Args:
        path: an HTML file, or the address of a page that this machine serves.
        pictures: start of the names of screenshots, such as docs/images/report; None: none.
        height: of the screenshots; None: of the whole page.
        pdf: where to print to.
        within: how the addresses begin that a served page may load from.
        scrolls: selects elements that may be wider in themselves, but not on paper.
        paper: whether to look at it as print.
    """
    from playwright.sync_api import sync_playwright

    overflow, wider, messages, requests = {}, {}, [], []
    wider_than = WIDER.replace('".scroll"', f'"{scrolls}"')
    url = path.resolve().as_uri() if isinstance(path, Path) else path
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_context(offline=not within).new_page()
        page.route(lambda asked: _outside(asked, url, within), lambda route: route.abort())
        page.on("console", lambda m: m.type in ("error", "warning") and messages.append(m.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda r: _outside(r.url, url, within) and requests.append(r.url))
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(url)
            overflow[f"{width} px"], wider[f"{width} px"] = page.evaluate(wider_than, False)
            if pictures is not None:
                clip = {"x": 0, "y": 0, "width": width, "height": height} if height else None
                name = f"{pictures.name}_{width}.png"
                page.screenshot(path=pictures.with_name(name), full_page=True, clip=clip)
        if paper:
            page.set_viewport_size({"width": PAPER, "height": 990})
            page.emulate_media(media="print")
            overflow["paper"], wider["paper"] = page.evaluate(wider_than, True)
        if pdf is not None:
            page.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
        browser.close()
    return Seen(overflow, wider, messages, requests)


def _outside(asked: str, page: str, within: str) -> bool:
    inside = bool(within) and asked.startswith(within)
    return asked.split("#")[0] != page and not asked.startswith("data:") and not inside


def main() -> None:
    """As the head of this file says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("report", type=Path)
    parser.add_argument("pictures", type=Path, help="start of the names of the screenshots")
    named = parser.parse_args()
    named.pictures.parent.mkdir(parents=True, exist_ok=True)
    faults = look(named.report, named.pictures).faults
    print(*(faults or ["nothing is too wide, no errors, no requests"]), sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
