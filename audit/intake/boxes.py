"""Reference boxes: COCO JSON, or a CSV with x, y, w, h -> one table of boxes and how many each case has."""

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


def read_boxes(path: Path) -> list[Box]:
    """All boxes of a file; raises ``BadInput`` that names what is wrong."""
    try:
        boxes = list(_from_table(path) if path.suffix.lower() == ".csv" else _from_coco(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path}: not boxes as COCO writes them ({type(error).__name__}: {error}).") from error
    return boxes


def _from_coco(path: Path) -> Iterator[Box]:
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"{path}: larger than {MAX_BYTES >> 30} GiB; split it.")
    raw = json.loads(path.read_text(encoding="utf-8"))
    images = {i["id"]: str(i["file_name"]) for i in raw["images"]}
    names = {c["id"]: str(c["name"]) for c in raw["categories"]}
    for annotation in raw["annotations"]:
        if annotation["image_id"] not in images:
            raise BadInput(
                f"{path}: annotation {annotation.get('id')} names image {annotation['image_id']}, which is not listed."
            )
        x, y, width, height = map(float, annotation["bbox"])
        yield Box(images[annotation["image_id"]], names[annotation["category_id"]], x, y, width, height)


def _from_table(path: Path) -> Iterator[Box]:
    frame = read(path).frame
    sides = next((s for s in _SIDES if set(s) <= set(frame.columns)), None)
    image = next((c for c in ("image", "image_id", "file", "file_name", "filename", "path") if c in frame), None)
    category = next((c for c in ("category", "finding", "label", "class", "target") if c in frame), None)
    if sides is None or image is None or category is None:
        raise BadInput(
            f"{path}: boxes need columns image (or image_id, file), category (or finding, label), x, y, w, h."
        )
    for cells in frame.to_dict("records"):
        yield Box(str(cells[image]), str(cells[category]), *(float(cells[s]) for s in sides))


@dataclass(frozen=True)
class Placed:
    """Boxes of the cases, their count for each case and category, and what did not fit."""

    rows: list[dict[str, Any]]
    counts: dict[str, pd.Series]
    outside: list[str]
    unknown: list[str]


def place(boxes: list[Box], frame: pd.DataFrame) -> Placed:
    """Boxes joined to cases by path, file name or stem; counts are 0 for cases without a box of a category."""
    images = frame["image"].fillna("").str.removeprefix("source/")
    known = index_of(p for p in images if p)
    rows: list[dict[str, Any]] = []
    outside: list[str] = []
    unknown: list[str] = []
    size = {p: (c, r, w) for p, c, r, w in zip(images, frame["case_id"], frame["rows"], frame["columns"], strict=True)}
    categories = {b.category: f"{column_name(b.category)}_boxes" for b in boxes}
    counts = {column: pd.Series(0, index=frame["case_id"].astype(str)) for column in categories.values()}
    for box in boxes:
        path = next((names[box.image] for names in known.values() if box.image in names), None)
        if path is None:
            unknown.append(box.image)
            continue
        case, height, width = size[path]
        if not _inside(box, float(width), float(height)):
            outside.append(str(case))
        counts[categories[box.category]][str(case)] += 1
        sides = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
        rows.append({"case_id": str(case), "category": box.category} | sides)
    return Placed(rows, counts, outside, unknown)


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
