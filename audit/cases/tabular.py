"""Reads a manifest file as it was written: csv, csv.gz or parquet, text kept as text.

A CSV column becomes numeric only where every filled cell is a plain decimal number without leading zeros; identifiers,
paths and digests are text always, so that patient '00012' stays '00012'. An empty cell or ``nan`` is missing; nothing
else is.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from audit.records import BadInput

TEXT_COLUMNS = ("case_id", "patient_id", "image", "sha256")
TEXT_ENDINGS = ("_id", "_sha256", "_mask")
MISSING = ("", "nan", "NaN")
MAX_TABLE_BYTES = 2 << 30
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")


def read_table(path: Path) -> tuple[pd.DataFrame, str]:
    """The table as text (CSV) or as stored (Parquet), and the SHA-256 of the file's bytes."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path}: the table cannot be read ({error.strerror}); give a .csv, .csv.gz or .parquet file."
        ) from error
    return _decode(data, path), hashlib.sha256(data).hexdigest()


def _decode(data: bytes, path: Path) -> pd.DataFrame:
    name = path.name.lower()
    if name.endswith(".csv.gz"):
        return _read_csv(_gunzip(data, path), path)
    if name.endswith(".csv"):
        return _read_csv(data, path)
    if name.endswith(".parquet"):
        return _read_parquet(data, path)
    raise BadInput(f"{path}: a table must be a .csv, .csv.gz or .parquet file.")


def _gunzip(data: bytes, path: Path) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            text = stream.read(MAX_TABLE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: not a readable gzip file; compress the CSV again.") from error
    if len(text) > MAX_TABLE_BYTES:
        raise BadInput(f"{path}: the table unpacks to more than {MAX_TABLE_BYTES >> 30} GiB; split it.")
    return text


def _read_csv(data: bytes, path: Path) -> pd.DataFrame:
    rows = _csv_rows(data, path)
    if not rows:
        raise BadInput(f"{path}: the table is empty; expected a header line with column names.")
    header = rows[0]
    _refuse_bad_header(header, path)
    body = [row for row in rows[1:] if row]
    for number, row in enumerate(body, start=1):
        if len(row) != len(header):
            raise BadInput(
                f"{path}: row {number} has {len(row)} cells, the header {len(header)}; quote cells with commas."
            )
    return pd.DataFrame(body, columns=header, dtype="string")


def _csv_rows(data: bytes, path: Path) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput(f"{path}: line {line} is not UTF-8; save the table as UTF-8.") from error
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise BadInput(f"{path}: not a readable CSV file ({error}); check quotes and line ends.") from error


def _refuse_bad_header(header: Sequence[str], path: Path) -> None:
    twice = sorted({name for name in header if list(header).count(name) > 1})
    if twice:
        raise BadInput(f"{path}: column '{twice[0]}' occurs twice in the header; column names must be unique.")
    if any(not name.strip() for name in header):
        raise BadInput(f"{path}: column {[n.strip() for n in header].index('') + 1} of the header has no name.")


def _read_parquet(data: bytes, path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except Exception as error:  # the reader raises many kinds for a damaged file
        raise BadInput(f"{path}: not a readable Parquet file ({type(error).__name__}).") from error
    frame.columns = [str(name) for name in frame.columns]
    return frame.reset_index(drop=True)


def is_text_column(name: str) -> bool:
    """Whether a column of this name holds identifiers, paths or digests, which are never numbers."""
    return name in TEXT_COLUMNS or name.endswith(TEXT_ENDINGS)


def typed(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """The frame with each column as text, whole numbers, real numbers or flags; blanks missing."""
    return pd.DataFrame({name: _typed_column(frame[name], name, where) for name in frame.columns})


def _typed_column(values: pd.Series, name: str, where: str) -> pd.Series:
    if is_text_column(name):
        return as_text(values, name, where)
    if pd.api.types.is_bool_dtype(values):
        return values.astype("boolean")
    if pd.api.types.is_integer_dtype(values):
        return values.astype("Int64")
    if pd.api.types.is_float_dtype(values):
        return values.astype("Float64")
    return _numeric_if_plain(_blanks_missing(values.astype("string")))


def as_text(values: pd.Series, name: str, where: str) -> pd.Series:
    """The column as text, blanks missing; raises ``BadInput`` for identifiers stored as floating-point numbers."""
    if pd.api.types.is_float_dtype(values) and bool(values.notna().any()):
        raise BadInput(f"{where}: column '{name}' is stored as floating-point numbers; store identifiers as text.")
    return _blanks_missing(values.astype("string"))


def _blanks_missing(values: pd.Series) -> pd.Series:
    stripped = values.str.strip()
    return stripped.mask(stripped.isin(MISSING), pd.NA)


def _numeric_if_plain(values: pd.Series) -> pd.Series:
    filled = values.dropna().unique()
    if not len(filled):
        return values
    if all(_WHOLE.fullmatch(v) for v in filled):
        return pd.to_numeric(values).astype("Int64")
    if all(_NUMBER.fullmatch(v) for v in filled):
        return pd.to_numeric(values).astype("Float64")
    return values


def column_name(text: object) -> str:
    """A name for a column from a label of free text: lower case letters, digits and single underscores."""
    return re.sub(r"[^a-z0-9]+", "_", str(text or "").lower()).strip("_") or "unnamed"
