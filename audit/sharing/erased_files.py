"""One file of an audit without the rows of some cases: which rows go, and the bytes that remain."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.decision_tables import RATIONALES
from audit.engines.shards import cited, masks_bytes
from audit.evidence.parquet import table_bytes
from audit.evidence.statements import to_json
from audit.evidence.store import AuditStore, table_path
from audit.evidence.verification import table_called
from audit.tables import MARKS, OBSERVATIONS, PREDICTIONS, Table

Cases = frozenset[str]


def rows_gone(store: AuditStore, name: str, cases: Cases) -> list[int]:
    """Places of the rows (masks, mentions) in the file ``name`` that are about ``cases``."""
    if name.endswith(".parquet"):
        ids = store.read_table(_table(name), name).get("case_id")
        return [] if ids is None else [int(place) for place in np.flatnonzero(ids.isin(cases).to_numpy(dtype=bool))]
    if name.endswith(".npz"):
        return list(range(len(_masks_gone(store, name, cases))))
    return [place for place, case in enumerate(_listed(store, name)) if case in cases]


def changed_bytes(store: AuditStore, name: str, cases: Cases) -> bytes:
    """The file ``name`` without what it holds of ``cases``; the same file and cases give the same bytes."""
    if name.endswith(".parquet"):
        table = _table(name)
        frame = store.read_table(table, name)
        frame = frame[~frame["case_id"].isin(cases)].reset_index(drop=True)
        return table_bytes(table, _pointing(store, frame, cases) if table is RATIONALES else frame)
    if name.startswith("shards/"):
        return _shard_without(store, name, cases)
    if name.endswith(".npz"):
        return _masks_without(store, name, cases)
    whole = json.loads(store.read_bytes(name))
    return to_json({**whole, "cases": [case for case in whole["cases"] if case not in cases]}, indent=2)


def _table(name: str) -> Table:
    if name.startswith("marks/"):
        return MARKS
    if name.startswith(("shards/", "recorded/")):
        return PREDICTIONS
    return table_called(name.removeprefix("tables/").removesuffix(".parquet"))


def _listed(store: AuditStore, name: str) -> list[str]:
    """The cases that a record lists (those of the repeated passes)."""
    return [str(case) for case in json.loads(store.read_bytes(name))["cases"]]


def _pointing(store: AuditStore, rationales: pd.DataFrame, cases: Cases) -> pd.DataFrame:
    """Rationales whose pointers into the observations follow the rows that moved up."""
    gone = np.asarray(rows_gone(store, table_path(OBSERVATIONS), cases))

    def moved(pointer: Any) -> Any:
        _, kind, place, *rest = str(pointer).split("/")
        return "/".join(["", kind, str(int(place) - int((gone < int(place)).sum())), *rest])

    mine = (rationales["product"] == OBSERVATIONS.name) & rationales["pointer"].str.startswith("/rows/")
    mine = mine.fillna(False).astype(bool)
    return rationales.assign(pointer=rationales["pointer"].mask(mine, rationales.loc[mine, "pointer"].map(moved)))


def _masks_gone(store: AuditStore, name: str, cases: Cases) -> list[tuple[str, int]]:
    """(key, row) of each mask of ``cases`` in an archive."""
    if not name.startswith("shards/"):
        return [(key, 0) for key in _archive(store, name) if key.rpartition("|")[0] in cases]
    rows = store.read_table(PREDICTIONS, name.removesuffix(".npz") + ".parquet")
    mine = rows[rows["case_id"].isin(cases) & rows["artifact"].notna()]
    return [cited(str(artifact))[1:] for artifact in mine["artifact"]]


def _shard_without(store: AuditStore, name: str, cases: Cases) -> bytes:
    """A shard's masks with those of ``cases`` set to 0: the places of the others are cited and stay."""
    masks = {key: np.array(values) for key, values in _archive(store, name).items()}
    for key, row in _masks_gone(store, name, cases):
        masks[key][row] = 0
    return masks_bytes(masks)


def _masks_without(store: AuditStore, name: str, cases: Cases) -> bytes:
    kept = {key: bits for key, bits in _archive(store, name).items() if key.rpartition("|")[0] not in cases}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **dict(sorted(kept.items())))
    return buffer.getvalue()


def _archive(store: AuditStore, name: str) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(store.read_bytes(name)), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}
