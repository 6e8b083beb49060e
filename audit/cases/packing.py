"""Masks on their way into the evidence: read one by one, kept as bits, with the grid that each file states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from audit.cases.images import WrongDigest
from audit.cases.loading import told_by_case
from audit.cases.manifest import locate
from audit.cases.masks import Mask, pack_masks, read_mask
from audit.plan import Target
from audit.records import BadInput, BoolArray


@dataclass(frozen=True, slots=True)
class Packed:
    """``data``: the archive; ``grids``: case id -> grid as text; ``problems``: case id -> why its mask is not there."""

    data: bytes
    grids: Mapping[str, str]
    problems: Mapping[str, str]


def packed(cases: Iterable[str], load: Callable[[str], Mask], tolerant: bool = False) -> Packed:
    """The masks of ``cases``; one that cannot be read is refused, or with ``tolerant`` noted as that case's problem.

    A file whose bytes are not those declared is refused always.
    """
    grids: dict[str, str] = {}
    problems: dict[str, str] = {}

    def read() -> Iterable[tuple[str, BoolArray]]:
        for case in cases:
            try:
                mask = load(case)
            except BadInput as error:
                if not tolerant or isinstance(error, WrongDigest):
                    raise
                problems[case] = " ".join(str(error).split())
                continue
            grids[case] = mask.grid.text()
            yield case, mask.inside

    return Packed(pack_masks(read()), grids, problems)


def packed_predictions(
    rows: pd.DataFrame, name: str, target: Target, digests: Mapping[str, str], folder: Path, place: str
) -> tuple[pd.DataFrame, bytes]:
    """PREDICTIONS whose masks of target ``name`` are cited at ``place`` inside the audit, and the archive to put there.

    ``rows.artifact`` names files below ``folder``, ``digests`` their SHA-256 by case id. A file that is not there or
    whose bytes differ is refused; one that cannot be decoded is that case's error.
    """
    mine = (rows["target"] == name) & rows["artifact"].notna()
    files = dict(zip(rows.loc[mine, "case_id"].astype(str), rows.loc[mine, "artifact"].astype(str), strict=True))
    paths = {case: locate(folder, file, f"recorded mask of case {case}") for case, file in files.items()}

    def load(case: str) -> Mask:
        with told_by_case(case, paths[case], "recorded mask"):
            return read_mask(paths[case], digests[case], target.label)

    found = packed(files, load, tolerant=True)
    cited = {case: f"{place}#{case}[0]" for case in found.grids}
    out = rows.copy()
    ids = rows.loc[mine, "case_id"].astype(str)
    for column, values in (("artifact", cited), ("grid", found.grids), ("error", found.problems)):
        out.loc[mine, column] = ids.map(values).astype("string")
    return out, found.data
