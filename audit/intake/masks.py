"""Reference masks in files beside the images: found by a pattern, read once, checked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit.cases.images import decode, read_checked
from audit.grids import Grid
from audit.intake.check import MaskFacts
from audit.intake.tables import names_of
from audit.records import BadInput

_FIELD = re.compile(r"\{([^{}]+)\}")


def parse(text: str) -> tuple[str, str]:
    """``lesion=masks/{case_id}.nii.gz`` -> (``lesion_mask``, pattern)."""
    name, mark, pattern = text.partition("=")
    if not mark or not re.fullmatch(r"[A-Za-z0-9_]+", name) or not pattern:
        raise BadInput(
            f"--mask '{text}': expected NAME=PATTERN, for example lesion=masks/{{stem}}_lesion.nii.gz; fields: "
            "{stem}, {name}, {folder} of the image, and any column of the manifest."
        )
    return (name if name.endswith("_mask") else f"{name}_mask"), pattern


def paths(pattern: str, frame: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """(case_id, path) of each case for which every field of the pattern has a value."""
    for row in frame.to_dict("records"):
        fields = _fields(row)
        names = _FIELD.findall(pattern)
        unknown = [n for n in names if n not in fields]
        if unknown:
            raise BadInput(
                f"--mask: there is no column '{unknown[0]}' for the pattern '{pattern}'; there are stem, name, folder, "
                f"{', '.join(map(str, frame.columns[:25]))}."
            )
        if all(fields[n] for n in names):
            yield str(row["case_id"]), _FIELD.sub(lambda m, f=fields: f[m[1]], pattern)  # type: ignore[misc]


def claimed(texts: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path is one that a pattern could name: it is then a mask, not an image."""
    kinds = {"folder": ".+", "image": ".+"}
    patterns = []
    for text in texts:
        parts = re.split(r"\{([^{}]+)\}", parse(text)[1].removeprefix("./"))
        fixed = [re.escape(part) if i % 2 == 0 else kinds.get(part, "[^/]+") for i, part in enumerate(parts)]
        patterns.append(re.compile("".join(fixed)))
    return lambda path: any(p.fullmatch(path) for p in patterns)


def _fields(row: Mapping[Any, Any]) -> dict[str, str]:
    fields = {str(k): "" if pd.isna(v) else str(v) for k, v in row.items()}
    path = fields.get("image", "").removeprefix("source/")
    if path:
        named = dict(names_of(path))
        folder = path.rsplit("/", 1)[0] if "/" in path else "."
        fields |= {"stem": named["file name without ending"], "name": named["file name"], "folder": folder}
    return fields


def mask_facts(root: Path, path: str, case_id: str, column: str) -> dict[str, Any]:
    """What is kept of one mask file; runs in a worker."""
    facts = MaskFacts(case_id, column, "", (), (), 0, "the file is missing")
    inside = not path.startswith("/") and ".." not in Path(path).parts
    if not inside or not (root / path).resolve().is_relative_to(root.resolve()):
        return asdict(facts) | {"path": path, "problem": "its path leaves the folder"}
    if not (root / path).is_file():
        return asdict(facts) | {"path": path}
    try:
        data = read_checked(root / path, None)
        image = decode(data, Path(path).name.lower(), None, path)
    except BadInput as error:
        return asdict(facts) | {"path": path, "problem": str(error).removeprefix(f"{path}: ")}
    whole = np.array_equal(image.pixels, np.rint(image.pixels))
    facts = MaskFacts(
        case_id,
        column,
        hashlib.sha256(data).hexdigest(),
        image.pixels.shape,
        image.spacing_mm or (),
        int(np.count_nonzero(image.pixels)),
        "" if whole else "it holds fractions, which is a probability map, not a mask",
        Grid(image.pixels.shape, image.spacing_mm, image.origin_mm, image.directions).text(),
    )
    return asdict(facts) | {"path": path}
