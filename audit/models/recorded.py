"""Predictions recorded by somebody else, for a device that nobody may open: a table of scores instead of a model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.model_refs import RecordedPredictions
from audit.plan import Target
from audit.records import BadInput, BoolArray, ModelVersion
from audit.tables import PREDICTIONS

NO_PREDICTION = "no recorded prediction"


def read_recorded(
    ref: RecordedPredictions,
    path: Path,
    targets: Mapping[str, Target],
    cases: pd.DataFrame,
    version: str = "candidate",
) -> pd.DataFrame:
    """PREDICTIONS of ``version`` from the CSV, CSV.GZ or Parquet table at ``path``, one row per case and target that is
    not for detection.

    Segmentation columns hold mask paths, kept as written. A case of the set that the table lacks becomes a row with the
    error 'no recorded prediction'. Raises ``BadInput`` for an unreadable table, a missing column, a duplicate or
    unknown case id, a missing or infinite score.
    """
    table = _indexed(_read_table(path, ref.case_id), ref, path, cases)
    named = {
        name: target.model_copy(update={"output": ref.columns.get(target.output, target.output)})
        for name, target in targets.items()
        if target.task != "detection"
    }
    parts = [_rows(table, name, target, cases, path, version) for name, target in named.items()]
    return PREDICTIONS.conform(pd.concat(parts, ignore_index=True))


def mask_digests(ref: RecordedPredictions, path: Path, target: Target) -> dict[str, str]:
    """Case id -> SHA-256 of its recorded mask, from the column beside the target's, ``<output>_sha256``.

    So the digest of the table stands for the masks too. Raises ``BadInput`` where the column is missing.
    """
    output = ref.columns.get(target.output, target.output)
    table, beside = _read_table(path, ref.case_id), f"{output}_sha256"
    if beside not in table:
        raise BadInput(
            f"{path.name}: column '{output}' names mask files, but the table has no column '{beside}' with "
            "their SHA-256; add it."
        )
    return dict(zip(table[ref.case_id].astype(str), table[beside].astype(str), strict=True))


def recorded_version(ref: RecordedPredictions, paths: Sequence[Path], targets: Mapping[str, Target]) -> ModelVersion:
    """The version under audit as far as its files tell: its name, their SHA-256, the columns and labels used."""
    return ModelVersion(
        name=ref.name,
        version=ref.version,
        kind="recorded",
        uri=", ".join(ref.files),
        digests={path.name: hashlib.sha256(recorded_bytes(path)).hexdigest() for path in paths},
        outputs=tuple(dict.fromkeys(ref.columns.get(t.output, t.output) for t in targets.values())),
    )


def recorded_bytes(path: Path) -> bytes:
    """The bytes of a recorded table; raises ``BadInput`` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path.name}: the table of recorded predictions cannot be read ({error.strerror}); "
            "'scores' in the plan must name a CSV or Parquet file, relative to the plan."
        ) from error


def _read_table(path: Path, case_id: str) -> pd.DataFrame:
    recorded_bytes(path)
    try:
        if path.name.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        if path.name.endswith((".csv", ".csv.gz")):
            return pd.read_csv(path, dtype={case_id: "string"})
    except (ValueError, OSError, pd.errors.ParserError) as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{path.name}: not a readable table ({reason}); CSV, CSV.GZ or Parquet is expected.") from error
    raise BadInput(f"{path.name}: recorded predictions are read from .csv, .csv.gz or .parquet files.")


def _indexed(table: pd.DataFrame, ref: RecordedPredictions, path: Path, cases: pd.DataFrame) -> pd.DataFrame:
    _require_column(table, ref.case_id, path, "case_id")
    ids = table[ref.case_id]
    if bool(ids.isna().any()):
        raise BadInput(f"{path.name}: data row {_first(ids.isna())} has no {ref.case_id}; every row needs one.")
    ids = ids.astype(str)
    if bool(ids.duplicated().any()):
        row = _first(ids.duplicated())
        raise BadInput(f"{path.name}: case id '{ids.iloc[row - 1]}' stands twice (again in data row {row}); keep one.")
    unknown = ~ids.isin(cases["case_id"].astype(str))
    if bool(unknown.any()):
        row = _first(unknown)
        raise BadInput(
            f"{path.name}: {int(unknown.sum())} of {len(ids)} rows name cases that the validation set lacks (first: "
            f"'{ids.iloc[row - 1]}', data row {row}); remove these rows or add the cases to the manifest."
        )
    return table.set_index(ids)


def _rows(
    table: pd.DataFrame, name: str, target: Target, cases: pd.DataFrame, path: Path, version: str
) -> pd.DataFrame:
    _require_column(table, target.output, path, f"output of target '{name}'")
    ids = cases["case_id"].astype(str).to_numpy()
    rows = pd.DataFrame({"version": version, "case_id": ids, "target": name})
    recorded = set(table.index)
    column = table[target.output].reindex(ids)
    scalar = target.task != "segmentation"
    if target.task == "ordinal" and not target.grade_cuts:
        rows["score"] = _grades(table, target, path).reindex(ids).to_numpy(dtype=np.float64)
    else:
        _refuse_gaps(table, target.output, path, scalar)
        rows["score"] = pd.to_numeric(column).to_numpy(dtype=np.float64) if scalar else np.nan
    rows["artifact"] = None if scalar else column.astype("string").to_numpy()
    rows["seconds"] = _seconds(table, name, target, path).reindex(ids).to_numpy(dtype=np.float64)
    rows["error"] = [None if case in recorded else NO_PREDICTION for case in ids]
    return rows


def _grades(table: pd.DataFrame, target: Target, path: Path) -> pd.Series:
    """Grade numbers of a column that holds grades as the plan writes them."""
    written, numbers = table[target.output], _numbers(table[target.output])
    text = written.astype("string").str.strip()
    found = np.full(len(table), np.nan)
    for grade, number in zip(target.grades, target.grade_numbers, strict=True):
        same = text == grade if isinstance(grade, str) else pd.Series(numbers == float(grade), index=table.index)
        found[same.to_numpy(dtype=bool, na_value=False)] = number
    if np.isnan(found).any():
        row = _first(np.isnan(found))
        raise BadInput(
            f"{path.name}: column '{target.output}', data row {row} (case '{written.index[row - 1]}') holds "
            f"'{written.iloc[row - 1]}'; one of the grades {', '.join(map(str, target.grades))} was expected; give "
            "'grade_cuts' in the plan where the column holds scores, or remove the row if the device gave no answer."
        )
    return pd.Series(found, index=table.index)


def _seconds(table: pd.DataFrame, name: str, target: Target, path: Path) -> pd.Series:
    """Recorded times to notification; a blank is a time that was not recorded."""
    if target.seconds is None:
        return pd.Series(np.nan, index=table.index)
    _require_column(table, target.seconds, path, f"seconds of target '{name}'")
    written, numbers = table[target.seconds], _numbers(table[target.seconds])
    bad = written.notna().to_numpy() & ~(np.isfinite(numbers) & (numbers >= 0))
    if bad.any():
        row = _first(bad)
        raise BadInput(
            f"{path.name}: column '{target.seconds}', data row {row} (case '{written.index[row - 1]}') holds "
            f"'{written.iloc[row - 1]}'; a time in seconds, 0 or more, was expected; leave the cell empty where none "
            "was recorded."
        )
    return pd.Series(numbers, index=table.index)


def _refuse_gaps(table: pd.DataFrame, column: str, path: Path, scalar: bool) -> None:
    values = table[column]
    if scalar:
        bad = ~np.isfinite(_numbers(values))
    else:
        bad = values.isna().to_numpy() | (values.astype("string").str.len() == 0).to_numpy(dtype=bool, na_value=True)
    if bad.any():
        row = _first(bad)
        wanted = "a finite number" if scalar else "the path of a mask file"
        raise BadInput(
            f"{path.name}: column '{column}', data row {row} (case '{values.index[row - 1]}') holds "
            f"'{values.iloc[row - 1]}'; {wanted} was expected; remove the row if the device gave no answer."
        )


def _numbers(values: pd.Series) -> NDArray[np.float64]:
    return np.asarray(pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan))


def _require_column(table: pd.DataFrame, column: str, path: Path, role: str) -> None:
    if column not in table:
        shown = ", ".join(map(str, table.columns[:12])) + (", ..." if len(table.columns) > 12 else "")
        raise BadInput(f"{path.name}: column '{column}' ({role}) is missing; the table has {shown}.")


def _first(flags: pd.Series[bool] | BoolArray) -> int:
    return int(np.asarray(flags, dtype=bool).argmax()) + 1
