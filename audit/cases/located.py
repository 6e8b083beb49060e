"""Where the finding of a case lies, as a mask on its image: from mask files, or from boxes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from audit.cases.images import read_checked
from audit.cases.loading import declared_files, mask_loader
from audit.cases.manifest import ValidationSet
from audit.places import EXTENTS, Places, is_places_file, read_places
from audit.plan import Target
from audit.records import BadInput, BoolArray

Shape = tuple[int, ...]
Located = Callable[[str, Shape], BoolArray | None]
"""Case id and the image's shape -> its mask; None where it is not known."""


def locator(cases: ValidationSet, targets: Mapping[str, Target], target: str, located_by: str | None) -> Located:
    """Where findings of ``target`` lie, by the target or the manifest column that ``located_by`` names.

    Without it: the target's own masks, else those of the first target that has masks or boxes. Raises ``BadInput``
    for a name that is neither, and for a file of labelled boxes of which none bears the target's name.
    """
    name = located_by or _usual(targets, target)
    if name is None:
        return lambda case_id, shape: None  # noqa: ARG005
    if name in targets:
        where = targets[name]
        labels = tuple(map(str, where.positive)) if "positive" in where.model_fields_set else ()
        return _of_column(cases, where.reference, where.labels_of_reference, labels)
    if name not in cases.file_columns:
        raise BadInput(
            f"explanations.located_by: '{name}' is no target of the plan and no column of the manifest that names "
            f"files; known: {', '.join([*targets, *cases.file_columns])}."
        )
    return _of_column(cases, name, (), (target, targets[target].output, targets[target].reference))


def _usual(targets: Mapping[str, Target], target: str) -> str | None:
    order = [target, *targets]
    masks = [name for name in order if targets[name].task == "segmentation"]
    boxes = [name for name in order if targets[name].task == "detection"]
    return next(iter([*masks, *boxes]), None)


def _of_column(cases: ValidationSet, column: str, values: tuple[int, ...], labels: tuple[str, ...]) -> Located:
    files = declared_files(cases, column)
    if any(is_places_file(path.name) for path, _ in files.values()):
        return _boxes(cases, files, column, labels)
    load = mask_loader(cases, column, values)
    return lambda case_id, shape: load(case_id).inside if case_id in files else None  # noqa: ARG005


def _boxes(
    cases: ValidationSet, files: Mapping[str, tuple[Path, str]], column: str, labels: tuple[str, ...]
) -> Located:
    known = frozenset(cases.cases["case_id"].astype(str))

    @lru_cache(maxsize=64)
    def stored(path: Path, digest: str) -> Places:
        places = read_places(read_checked(path, digest), path.name, known)
        if labels and places.labels and not places.labels & frozenset(labels):
            raise BadInput(
                f"column '{column}': no box of {path.name} bears the label {' or '.join(dict.fromkeys(labels))}; it "
                f"has {', '.join(sorted(places.labels)[:20])}."
            )
        return places

    def load(case_id: str, shape: Shape) -> BoolArray | None:
        places = stored(*files[case_id]) if case_id in files else None
        if places is None or case_id not in places.cases:
            return None
        rows = places.rows[places.rows["case_id"] == case_id]
        if labels and places.labels:
            rows = rows[rows["label"].isin(list(labels))]
        return drawn(rows, shape)

    return load


def drawn(boxes: pd.DataFrame, shape: Shape) -> BoolArray:
    """Boxes as a mask: every pixel that lies in one at least in part. Points are left out, for they have no extent."""
    mask = np.zeros(shape, dtype=np.bool_)
    axes = list(EXTENTS)[: len(shape)][::-1]
    for box in boxes[boxes["width"].notna()].to_dict("records"):
        at = (_range(float(box[start]), float(box[extent])) for start, extent in axes)
        mask[tuple(at)] = True
    return mask


def _range(start: float, extent: float) -> slice:
    """Pixels from ``start`` on; in a volume a box without z and depth spans all slices."""
    if math.isnan(start) or math.isnan(extent):
        return slice(None)
    return slice(max(0, math.floor(start)), max(0, math.ceil(start + extent)))
