"""Where a printed number stands inside its product, and back: the number's address can be looked up again.

``/<key>/<column>`` one cell of a table by its row key (or ``/rows/<index>/<column>``) · ``/count/<column>=<value>/…``
how many rows have these values · ``/distinct/<column>`` how many different values · ``/a/b/0`` a JSON pointer
(RFC 6901) into anything else. A token's ``~`` and ``/`` are written ``~0`` and ``~1``.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

KEYS = (
    "estimate_id",
    "importance_id",
    "analysis_id",
    "region_id",
    "uncertainty_id",
    "agreement_id",
    "rationale_id",
)


def escape(token: object) -> str:
    """One token of a pointer."""
    return str(token).replace("~", "~0").replace("/", "~1")


def pointer(*tokens: object) -> str:
    """A pointer from its tokens."""
    return "".join("/" + escape(token) for token in tokens)


def count_pointer(**where: object) -> str:
    """The pointer to a count of rows; column names with other characters go through ``pointer``."""
    return pointer("count", *(f"{column}={value}" for column, value in where.items()))


def look_up(payload: Any, address: str) -> Any:
    """The value at ``address``; raises ``LookupError`` where there is none."""
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in address.split("/")[1:]]
    return _in_table(payload, tokens) if isinstance(payload, pd.DataFrame) else _in_tree(payload, tokens)


def _in_tree(payload: Any, tokens: list[str]) -> Any:
    here = payload
    for token in tokens:
        here = here[int(token)] if isinstance(here, list | tuple) else here[token]
    return here


def _in_table(frame: pd.DataFrame, tokens: list[str]) -> Any:
    if tokens[0] == "count":
        return _count(frame, tokens[1:])
    if tokens[0] == "distinct":
        return int(frame[tokens[1]].nunique())
    if tokens[0] == "rows":
        return frame.iloc[int(tokens[1])][tokens[2]]
    key = next(name for name in KEYS if name in frame)
    found = frame.loc[frame[key] == tokens[0], tokens[1]]
    if len(found) != 1:
        raise LookupError(f"{len(found)} rows have the key {tokens[0]}")
    return found.iloc[0]


def _count(frame: pd.DataFrame, conditions: list[str]) -> int:
    keep = pd.Series(True, index=frame.index, dtype=bool)
    for condition in conditions:
        column, wanted = condition.split("=", 1)
        keep &= _equals(frame[column], wanted)
    return int(keep.sum())


def _equals(column: pd.Series[Any], wanted: str) -> pd.Series[Any]:
    if wanted == "":
        return column.isna() | (column.astype("string") == "").fillna(False)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return (column == float(wanted)).fillna(False).astype(bool)
    return (column.astype("string") == wanted).fillna(False).astype(bool)
