"""Reference boxes: COCO JSON, or a CSV with x, y, w, h -> one table of boxes, as a plan's detection target reads it.

An image that the file names was looked at; without a box nothing was found there (in a CSV: a row with the image and
nothing else). An image that the file does not name was not looked at, and has no reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit.cases.tabular import column_name
from audit.intake.tables import index_of, read
from audit.records import BadInput

MAX_BYTES = 1 << 30
_SIZE = ("case_id", "rows", "columns")
_SIDES = (("x", "y", "w", "h"), ("x", "y", "width", "height"), ("bbox_x", "bbox_y", "bbox_w", "bbox_h"))


@dataclass(frozen=True, slots=True)
class Box:
    """One box: the image as its file names it, the category, left, top, width, height in pixels."""

    image: str
    category: str
    x: float
    y: float
    width: float
    height: float


Found = Iterator[tuple[str, Box | None]]


def read_boxes(path: Path) -> list[tuple[str, Box | None]]:
    """(image, box) of a file; None for an image that was looked at. Raises ``BadInput`` that names what is wrong."""
    try:
        boxes = list(_from_table(path) if path.suffix.lower() == ".csv" else _from_coco(path))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path}: not boxes as COCO writes them ({type(error).__name__}: {error}).") from error
    return boxes


def _from_coco(path: Path) -> Found:
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"{path}: larger than {MAX_BYTES >> 30} GiB; split it.")
    raw = json.loads(path.read_text(encoding="utf-8"))
    images = {i["id"]: str(i["file_name"]) for i in raw["images"]}
    names = {c["id"]: str(c["name"]) for c in raw["categories"]}
    yield from ((image, None) for image in images.values())
    for annotation in raw["annotations"]:
        if annotation["image_id"] not in images:
            raise BadInput(
                f"{path}: annotation {annotation.get('id')} names image {annotation['image_id']}, which is not listed."
            )
        x, y, width, height = map(float, annotation["bbox"])
        image = images[annotation["image_id"]]
        yield image, Box(image, names[annotation["category_id"]], x, y, width, height)


def _from_table(path: Path) -> Found:
    frame = read(path).frame
    sides = next((s for s in _SIDES if set(s) <= set(frame.columns)), None)
    image = next((c for c in ("image", "image_id", "file", "file_name", "filename", "path") if c in frame), None)
    category = next((c for c in ("category", "finding", "label", "class", "target") if c in frame), None)
    if sides is None or image is None or category is None:
        raise BadInput(
            f"{path}: boxes need columns image (or image_id, file), category (or finding, label), x, y, w, h."
        )
    for cells in frame.to_dict("records"):
        name, found = str(cells[image]), [cells[s] for s in sides]
        blank = all(pd.isna(v) for v in found)
        yield name, None if blank else Box(name, str(cells[category]), *map(float, found))


@dataclass(frozen=True)
class Placed:
    """``rows``: one for each box, as ``audit.places`` reads them, and one without a place for a case where nothing was
    found; ``counts`` of boxes for each category and case looked at; cases with a box ``outside`` have no rows."""

    rows: list[dict[str, Any]]
    counts: dict[str, pd.Series]
    outside: list[str]
    unknown: list[str]


def place(found: list[tuple[str, Box | None]], frame: pd.DataFrame) -> Placed:
    """Boxes joined to cases by path, file name or stem.

    A box that does not lie inside its image contradicts it: the case is named and has no reference.
    """
    images = frame["image"].fillna("").str.removeprefix("source/")
    known = index_of(p for p in images if p)
    size = {p: (str(c), r, w) for p, c, r, w in zip(images, *(frame[n] for n in _SIZE), strict=True)}
    by_case: dict[str, list[Box]] = {}
    outside: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for image, box in found:
        path = next((names[image] for names in known.values() if image in names), None)
        if path is None:
            unknown[image] = None
            continue
        case, height, width = size[path]
        by_case.setdefault(case, []).extend([box] if box else [])
        if box and not _inside(box, float(width), float(height)):
            outside[case] = None
    kept = {case: boxes for case, boxes in by_case.items() if case not in outside}
    categories = sorted({box.category for _, box in found if box})
    counts = {f"{column_name(c)}_boxes": _counted(kept, c) for c in categories}
    rows = [row for case in sorted(kept) for row in _rows(case, kept[case])]
    return Placed(rows, counts, list(outside), list(unknown))


def _counted(kept: dict[str, list[Box]], category: str) -> pd.Series:
    numbers = {case: sum(box.category == category for box in boxes) for case, boxes in kept.items()}
    return pd.Series(numbers, dtype="Int64")


def _rows(case: str, boxes: list[Box]) -> Iterator[dict[str, Any]]:
    sides = ("x", "y", "width", "height")
    for box in boxes:
        yield {"case_id": case, "label": box.category} | {side: getattr(box, side) for side in sides}
    if not boxes:
        yield {"case_id": case, "label": ""} | dict.fromkeys(sides, "")


def _inside(box: Box, width: float, height: float) -> bool:
    """Whether the box has an area and lies inside the image, half a pixel spared for rounding."""
    right, bottom = box.x + box.width, box.y + box.height
    return (
        box.width > 0
        and box.height > 0
        and min(box.x, box.y) >= -0.5
        and right <= width + 0.5
        and bottom <= height + 0.5
    )
