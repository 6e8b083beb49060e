"""The mark in a picture whose method's maps may not be used, or only with care: it goes wherever the picture goes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import PurePosixPath

import pandas as pd
from PIL import Image as Picture
from PIL import ImageDraw

from audit.explanations.overlays import GAP, INK, PAPER, SMALL, font, png, wrapped
from audit.explanations.verdicts import CARE, MISSED, NOT, SANITY_WORDS
from audit.tables import EXPLANATION_VERDICTS

FAILS = "NOT USABLE: fails the randomisation check (the map stays alike when the weights are random)"
UNUSABLE = "NOT USABLE: the maps of this method and version do not meet the plan's criteria"
CAREFUL = "WITH CARE: not every criterion for the maps of this method and version is shown to be met"
VERMILION, YELLOW = (213, 94, 0), (240, 228, 66)  # Okabe and Ito
KEYS = ("version", "target", "method")


def mark_of(verdict: str, sanity: str) -> str:
    """The words of the mark; none for usable maps."""
    if verdict == NOT:
        return FAILS if sanity == SANITY_WORDS[MISSED] else UNUSABLE
    return CAREFUL if verdict == CARE else ""


def marked_png(picture: bytes, words: str) -> bytes:
    """The picture (PNG) under a band with ``words``: white on vermilion, with care dark on yellow."""
    page = Picture.open(io.BytesIO(picture)).convert("RGB")
    lines = wrapped(words, SMALL, page.width)
    height = 20 + len(lines) * (SMALL + 8)
    whole = Picture.new("RGB", (page.width, page.height + height), YELLOW if words == CAREFUL else VERMILION)
    draw = ImageDraw.Draw(whole)
    for i, line in enumerate(lines):
        draw.text((GAP, 10 + i * (SMALL + 8)), line, INK if words == CAREFUL else PAPER, font(SMALL))
    whole.paste(page, (0, height))
    return png(whole)


def marked_path(overlay: str) -> str:
    """Where the marked picture stands beside the one without a mark."""
    path = PurePosixPath(overlay)
    return str(PurePosixPath(path.parts[0], "marked", *path.parts[1:]))


def marks(explanations: pd.DataFrame, verdicts: pd.DataFrame) -> dict[str, str]:
    """Overlay -> the words of its mark, for every picture of a method that is not usable or with care."""
    known = verdicts if len(verdicts) else pd.DataFrame(columns=list(EXPLANATION_VERDICTS.columns))
    found = explanations[explanations["overlay"].notna()].merge(known, on=list(KEYS))
    words = {str(row["overlay"]): mark_of(row["verdict"], row["sanity"]) for row in found.to_dict("records")}
    return {overlay: mark for overlay, mark in words.items() if mark}


def marked_pictures(
    explanations: pd.DataFrame, verdicts: pd.DataFrame, read: Callable[[str], bytes]
) -> dict[str, bytes]:
    """Marked pictures by path; ``read`` gives the bytes of an overlay."""
    found = marks(explanations, verdicts)
    return {marked_path(overlay): marked_png(read(overlay), words) for overlay, words in found.items()}


def shown_path(overlay: str, kept: Callable[[str], bool]) -> str:
    """The picture as people see it: under its mark where the maps of its method are not simply usable; ``kept`` says
    which files the evidence has."""
    marked = marked_path(overlay)
    return marked if kept(marked) else overlay
