"""Draw the schemes that pages show: boxes and arrows, no data.

    python docs/schemes.py

writes docs/images/scheme_data.svg and docs/images/scheme_rooms.svg. They are text: a test holds the
committed files equal to what this writes.
"""

from html import escape
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
INK, GREY, BLUE, GREEN, RED = "#1c2733", "#5c6b7a", "#2a6f9e", "#3d7a4a", "#b4492f"
FILLS = {BLUE: "#e8f1f7", GREEN: "#eaf4ec", RED: "#f9ece8", GREY: "#f1f3f5"}
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"


class Scheme:
    """An SVG that is drawn element by element."""

    def __init__(self, width: int, height: int, title: str):
        self.width, self.height, self.title = width, height, title
        self.parts: list[str] = []

    def box(self, x, y, w, h, title, lines=(), colour=BLUE):
        """A rounded box: a title in bold and lines below it, all centred."""
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="8" fill="{FILLS[colour]}" '
            f'stroke="{colour}" stroke-width="1.5"/>'
        )
        top = y + h / 2 - 8.5 * len(lines) + 5
        self.text(x + w / 2, top, title, size=15, weight="bold", colour=colour)
        for k, line in enumerate(lines):
            self.text(x + w / 2, top + 18 * (k + 1), line, size=13)

    def text(self, x, y, words, *, size=13, weight="normal", colour=INK, anchor="middle"):
        """One line."""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" '
            f'fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def arrow(self, *points, colour=INK, dashed=False):
        """A line through points, with a head at the last."""
        path = " L ".join(f"{x:g} {y:g}" for x, y in points)
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        head = {INK: "ink", RED: "red"}[colour]
        self.parts.append(
            f'<path d="M {path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash} '
            f'marker-end="url(#{head})"/>'
        )

    def svg(self) -> str:
        """The file."""
        heads = "".join(
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M 0 0 L 10 5 L 0 10 z" fill="{colour}"/>'
            "</marker>"
            for name, colour in (("ink", INK), ("red", RED))
        )
        body = "\n".join(self.parts)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" font-family="{FONT}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n<defs>{heads}</defs>\n"
            f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>\n{body}\n</svg>\n'
        )


def data() -> Scheme:
    """From a person's scan and task to a verdict, and back from behaviour to the connectome."""
    s = Scheme(960, 380, "Scheme: from a connectome to behaviour and BOLD, to a verdict, and back")
    s.box(20, 70, 160, 84, "Connectome", ["resting-state fMRI,", "Fisher-z edges"])
    s.box(230, 70, 160, 84, "Hypernetwork", ["trained on", "many people"])
    s.box(440, 70, 170, 84, "Twin", ["recurrent network", "with this person's weights"])
    s.box(
        660,
        70,
        280,
        84,
        "Prediction",
        ["choice and reaction time of every trial,", "BOLD of every volume"],
    )
    s.box(440, 210, 170, 56, "Task", ["stimuli, as shown"], GREY)
    how = ["in participants it never saw,", "with intervals and ceilings"]
    s.box(660, 210, 280, 86, "Evaluation", how, GREEN)
    s.box(230, 210, 160, 56, "Baselines", ["without the connectome"], GREY)
    s.box(660, 328, 280, 40, "Verdict: evidence, or none", (), GREEN)
    s.arrow((180, 112), (228, 112))
    s.arrow((390, 112), (438, 112))
    s.arrow((610, 112), (658, 112))
    s.arrow((525, 210), (525, 156))
    s.arrow((800, 154), (800, 208))
    s.arrow((800, 296), (800, 326))
    s.arrow((310, 266), (310, 284), (658, 284))
    s.arrow((740, 70), (740, 34), (100, 34), (100, 68), colour=RED, dashed=True)
    s.text(420, 26, "jax.grad: which edit of the connectome would change this?", colour=RED)
    s.text(20, 368, "Scheme, no data", size=12, colour=GREY, anchor="start")
    return s


def rooms() -> Scheme:
    """The packages of dtb_jax in the order of their imports."""
    s = Scheme(
        960, 330, "Scheme: the rooms of dtb_jax in the order in which data pass through them"
    )
    row = [
        ("data", ["files to Cohort,", "folds"]),
        ("models", ["fit, predict:", "twins, baselines"]),
        ("evaluation", ["metrics, ceilings,", "evidence, verdict"]),
        ("reporting", ["figures, tables,", "pages"]),
    ]
    for k, (name, lines) in enumerate(row):
        s.box(20 + 240 * k, 130, 200, 76, name + "/", lines)
        if k:
            s.arrow((240 * k - 20, 168), (240 * k + 18, 168))
    s.text(240, 120, "Cohort, Fold", size=12, colour=GREY)
    s.text(480, 120, "Prediction", size=12, colour=GREY)
    s.text(720, 120, "Verdict", size=12, colour=GREY)
    s.box(20, 250, 200, 60, "simulation/", ["people of known causes"], GREY)
    s.box(260, 250, 200, 60, "twin/", ["one person; training"], GREY)
    s.box(500, 250, 200, 60, "interventions/", ["edits and their controls"], RED)
    s.arrow((120, 250), (120, 208))
    s.arrow((360, 250), (360, 208))
    s.arrow((460, 280), (498, 280), colour=RED)
    s.arrow((700, 280), (840, 280), (840, 208), colour=RED)
    called = "workflows/, called by cli/ and experiments/"
    s.box(20, 24, 920, 56, called, ["from a folder to a page"], GREEN)
    for x in (120, 360, 600, 840):
        s.arrow((x, 80), (x, 128), dashed=True)
    s.text(940, 324, "Scheme, no data", size=12, colour=GREY, anchor="end")
    return s


SCHEMES = {"scheme_data.svg": data, "scheme_rooms.svg": rooms}

if __name__ == "__main__":
    for name, scheme in SCHEMES.items():
        (IMAGES / name).write_text(scheme().svg(), encoding="utf-8")
        print(IMAGES / name)
