"""Typography of the PDF: embedded fonts, one accent colour, sizes, colours of verdicts (readable without colour)."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from audit.dossier.content import Tone

REGULAR, BOLD, ITALIC, MONO = "Body", "Body-Bold", "Body-Italic", "Body-Mono"
FILES: Mapping[str, str] = {
    REGULAR: "DejaVuSans.ttf",
    BOLD: "DejaVuSans-Bold.ttf",
    ITALIC: "DejaVuSans-Oblique.ttf",
    MONO: "DejaVuSansMono.ttf",
}
INK, QUIET, RULE, TINT = HexColor("#1b1f24"), HexColor("#5b6570"), HexColor("#cfd6dd"), HexColor("#f4f6f8")
ACCENT, TRACE = HexColor("#17506e"), HexColor("#9db9c8")
CANDIDATE, COMPARATOR, LIMIT = HexColor("#0072b2"), HexColor("#b85c00"), HexColor("#a3280a")
TONES: Mapping[Tone, tuple[Color, Color, str]] = {
    "good": (HexColor("#005a8c"), HexColor("#e3eff6"), "\u2713"),
    "part": (HexColor("#8a5200"), HexColor("#fbf0df"), "\u25d0"),
    "bad": (HexColor("#a3280a"), HexColor("#fae6e0"), "\u2715"),
    "note": (HexColor("#17506e"), HexColor("#e8eef2"), "\u25c6"),
    "quiet": (HexColor("#5b6570"), HexColor("#eef0f2"), "\u2013"),
}
PAGES: Mapping[str, tuple[float, float]] = {"A4": A4, "Letter": LETTER}
LEFT, RIGHT, TOP, BOTTOM = 19 * mm, 19 * mm, 23 * mm, 21 * mm
BODY_SIZE, BODY_LEADING = 8.4, 12.0
CELL_SIZE, CELL_LEADING = 7.2, 9.6
NOTE_SIZE, NOTE_LEADING = 6.8, 9.2


@dataclass(frozen=True, slots=True)
class Face:
    """Size and leading in points, base font and colour of a piece of text."""

    size: float
    leading: float
    font: str = REGULAR
    colour: Color = INK


BODY = Face(BODY_SIZE, BODY_LEADING)
LEAD = Face(9.6, 13.6)
CELL = Face(CELL_SIZE, CELL_LEADING)
HEAD = Face(6.8, 8.8, BOLD, ACCENT)
NOTE = Face(NOTE_SIZE, NOTE_LEADING, REGULAR, QUIET)
CAPTION = Face(7.8, 10.4, BOLD, INK)
CLAUSE = Face(7.2, 9.6, ITALIC, QUIET)
SMALL = Face(6.4, 8.2)


@cache
def register_fonts() -> None:
    """Embeds DejaVu Sans, which matplotlib ships (Bitstream Vera licence); it has ≥ ≤ − – × ² and the marks."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        raise FileNotFoundError("matplotlib, which ships the fonts of the documents, is not installed")
    folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
    for name, file in FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))


@lru_cache(maxsize=100_000)
def text_width(words: str, font: str, size: float) -> float:
    """Width of a piece of text in points."""
    return float(pdfmetrics.stringWidth(words, font, size))
