"""Boxes and points on images as hospitals and manufacturers write them: CSV, Parquet or COCO JSON, read as one table.

A table has one row per box or point: ``case_id``, ``x``, ``y``, for boxes ``width``, ``height``, in volumes ``z`` and
``depth``, and where they apply ``label``, ``rating`` (of a mark), ``weight`` (of a lesion). Pixels count from the
upper left corner, pixel i reaches from i to i + 1, ``x`` and ``y`` are a box's upper left corner or the point itself.
A row with a case id and nothing else says that the case was looked at and nothing found; a case that the file does not
name was not looked at. In COCO JSON the same is said by ``images``. Source: cocodataset.org, data format.
"""

from __future__ import annotations

import io
import json
from collections.abc import Container
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ValidationError

from audit.plan import first_problem
from audit.records import BadInput

GEOMETRY = ("x", "y", "z", "width", "height", "depth")
NUMBERS = (*GEOMETRY, "rating", "weight")
EXTENTS = (("x", "width"), ("y", "height"), ("z", "depth"))
ENDINGS = (".csv", ".parquet", ".json")


@dataclass(frozen=True, slots=True)
class Places:
    """``rows``: case_id, label, rating, weight, x, y, z, width, height, depth and ``row``, its number in the file.

    ``cases`` are all cases that the file speaks of, those without a place included. ``labels`` are those that occur or,
    in COCO, all categories; empty where the file tells none apart.
    """

    rows: pd.DataFrame
    cases: frozenset[str]
    labels: frozenset[str]


def is_places_file(name: str) -> bool:
    """Whether a file of this name is read here, rather than as an image."""
    return name.lower().endswith(ENDINGS)


def read_places(data: bytes, name: str, known: Container[str], case_id: str = "case_id") -> Places:
    """The places in a file's bytes; ``name`` tells the format and is cited in errors.

    ``known`` holds the set's case ids, by which images of a COCO file are recognised (``case_id``, ``file_name``,
    with or without folder and ending, ``id``). Raises ``BadInput`` for what is no such file and for a place that is
    none: half a box, a box without extent, a number that is not finite.
    """
    lower = name.lower()
    if lower.endswith(".json"):
        found = _coco(data, name, known)
    elif lower.endswith(ENDINGS):
        found = _table(data, name, case_id)
    else:
        raise BadInput(f"{name}: boxes and points are read from {', '.join(ENDINGS)} files.")
    _refuse_impossible(found.rows, name)
    return found


def _table(data: bytes, name: str, case_id: str) -> Places:
    raw = _frame(data, name)
    for column in (case_id, "x", "y"):
        if column not in raw:
            shown = ", ".join(map(str, raw.columns[:12]))
            raise BadInput(f"{name}: column '{column}' is missing; the table has {shown}. See docs/detection.md.")
    ids = raw[case_id].astype("string").str.strip()
    if bool((ids.isna() | (ids == "")).any()):
        row = int((ids.isna() | (ids == "")).to_numpy(dtype=bool).argmax()) + 1
        raise BadInput(f"{name}: data row {row} has no {case_id}; every row needs one.")
    rows = pd.DataFrame({"case_id": ids, "row": np.arange(1, len(raw) + 1)})
    rows["label"] = raw["label"].astype("string").str.strip() if "label" in raw else pd.NA
    for column in NUMBERS:
        rows[column] = _numbers(raw[column], name, column) if column in raw else np.nan
    empty = rows[list(NUMBERS)].isna().all(axis=1)
    labels = frozenset(map(str, rows["label"].dropna()))
    return Places(rows[~empty].reset_index(drop=True), frozenset(map(str, ids)), labels)


def _frame(data: bytes, name: str) -> pd.DataFrame:
    try:
        if name.lower().endswith(".parquet"):
            return pd.read_parquet(io.BytesIO(data))
        return pd.read_csv(io.BytesIO(data), dtype="string")
    except Exception as error:  # the readers raise many kinds for a damaged file
        raise BadInput(f"{name}: not a readable table of boxes or points ({type(error).__name__}).") from error


def _numbers(values: pd.Series, name: str, column: str) -> pd.Series:
    blank = values.isna() | (values.astype("string").str.strip() == "").fillna(False)
    found = pd.to_numeric(values.mask(blank), errors="coerce").astype("Float64")
    bad = (~blank & ~np.isfinite(found.to_numpy(dtype=np.float64, na_value=np.nan))).to_numpy(dtype=bool)
    if bad.any():
        row = int(bad.argmax())
        raise BadInput(
            f"{name}: data row {row + 1}, column '{column}' holds '{values.iloc[row]}'; a number was expected."
        )
    return found.astype("float64")


class _Image(BaseModel):
    id: int | str
    file_name: str = ""
    case_id: str | None = None


class _Category(BaseModel):
    id: int
    name: str


class _Annotation(BaseModel):
    image_id: int | str
    bbox: tuple[float, float, float, float]
    category_id: int | None = None
    score: float | None = None
    iscrowd: int = 0


class _Coco(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category] = []


def _coco(data: bytes, name: str, known: Container[str]) -> Places:
    content = _parsed(data, name)
    names = {each.id: each.name for each in content.categories}
    cases = {str(image.id): _case_of(image, known) for image in content.images}
    rows = [_annotated(each, row, cases, names, name) for row, each in enumerate(content.annotations, start=1)]
    columns = ["case_id", "row", "label", *NUMBERS]
    frame = pd.DataFrame(rows, columns=columns).astype({"case_id": "string", "label": "string"})
    return Places(frame.astype(dict.fromkeys(NUMBERS, "float64")), frozenset(cases.values()), frozenset(names.values()))


def _parsed(data: bytes, name: str) -> _Coco:
    try:
        raw: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{name}: not a readable JSON file ({error}).") from error
    if isinstance(raw, list):
        raise BadInput(
            f"{name}: a bare list of COCO results does not say which images were processed; "
            'give {"images": [...], "annotations": [...]} with every processed image.'
        )
    try:
        return _Coco.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{name}: {first_problem(error)} COCO 'images' and 'annotations' were expected.") from error


def _case_of(image: _Image, known: Container[str]) -> str:
    path = PurePosixPath(image.file_name.replace("\\", "/"))
    names = [image.case_id, image.file_name, path.name, path.name.partition(".")[0], str(image.id)]
    return next((each for each in names if each and each in known), image.case_id or image.file_name or str(image.id))


def _annotated(each: _Annotation, row: int, cases: dict[str, str], names: dict[int, str], name: str) -> tuple[Any, ...]:
    if str(each.image_id) not in cases:
        raise BadInput(f"{name}: annotation {row} names image {each.image_id}, which 'images' does not list.")
    if each.iscrowd:
        raise BadInput(f"{name}: annotation {row} is a crowd region (iscrowd); give every lesion a box of its own.")
    label = None if each.category_id is None else names.get(each.category_id, str(each.category_id))
    x, y, width, height = each.bbox
    return cases[str(each.image_id)], row, label, x, y, np.nan, width, height, np.nan, each.score, np.nan


def _refuse_impossible(rows: pd.DataFrame, name: str) -> None:
    place = {column: rows[column].to_numpy(dtype=np.float64) for column in NUMBERS}
    extents = [np.isfinite(place[extent]) for _, extent in EXTENTS]
    volume = np.isfinite(place["z"])
    problems = {
        "has no x or no y": ~(np.isfinite(place["x"]) & np.isfinite(place["y"])),
        "is half a box: give width and height, or neither for a point": extents[0] != extents[1],
        "is half a box: in a volume give width, height and depth, or none for a point": volume
        & (extents[2] != extents[0]),
        "has a depth but no z": extents[2] & ~volume,
        "has an extent that is not above 0": np.logical_or.reduce([place[extent] <= 0 for _, extent in EXTENTS]),
        "holds a number that is not finite": np.logical_or.reduce([np.isinf(values) for values in place.values()]),
        "has a weight that is not above 0": place["weight"] <= 0,
    }
    for problem, found in problems.items():
        if found.any():
            at = int(found.argmax())
            where = f"data row {int(rows['row'].iloc[at])}, case {rows['case_id'].iloc[at]}"
            raise BadInput(f"{name}: {where} {problem}.")
