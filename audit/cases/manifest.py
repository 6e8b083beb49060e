"""Reads a validation set: ``set.yaml`` and its manifest, one row per case, refused with one sentence where flawed.

The set's digest covers the stored bytes of both files and every image and mask digest that the manifest declares, so
that it stands for the full content: unlike MLflow's dataset digest, which sees the first 10,000 rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd
import yaml
from pydantic import ValidationError

from audit.cases.facts import DerivedReference
from audit.cases.facts import SetFacts as SetFacts
from audit.cases.matching import is_one_of
from audit.cases.readings import combined
from audit.cases.tabular import read_table, typed
from audit.datafolders import data_folder
from audit.given_files import file_bytes, plain_yaml
from audit.plan import first_problem, yaml_problem
from audit.records import BadInput
from audit.tables import CASES

SET_COLUMN = "validation_set"


@dataclass(frozen=True)
class ValidationSet:
    """A validation set as read: facts, cases (CASES with the manifest's further columns) and content digests.

    ``roots`` maps the name in column ``validation_set`` to the folder that image and mask paths start from, and
    ``name/first part of a path`` to a further folder of the set; a set joined of several has several. ``folder`` is
    the (first) set's own folder.
    """

    name: str
    folder: Path
    facts: SetFacts
    cases: pd.DataFrame
    sha256: str
    manifest_sha256: str
    roots: Mapping[str, Path]
    parts: tuple[ValidationSet, ...] = ()

    @property
    def file_columns(self) -> tuple[str, ...]:
        """Columns that name files: ``image`` and every column ``x`` that stands beside ``x_sha256``."""
        return _file_columns(self.cases)


def find_set(name: str, base: Path) -> Path:
    """The folder of a set named in a plan: relative to the plan's folder, else a packaged set of that name."""
    near = (base / name).resolve()
    if (near / "set.yaml").is_file():
        return near
    packaged = {f.parent.name: f.parent for f in sorted(_packaged().glob("*/set.yaml"))}
    if name in packaged:
        return packaged[name]
    raise BadInput(
        f"validation set '{name}': there is no {near / 'set.yaml'}, and no packaged set of that name "
        f"(packaged: {', '.join(packaged) or 'none'}); give a folder relative to the plan."
    )


def _packaged() -> Path:
    try:
        return data_folder("validation_sets")
    except FileNotFoundError:
        return Path(os.devnull)


def read_set(folder: Path) -> ValidationSet:
    """The validation set in ``folder``; raises ``BadInput`` for the first flaw, naming file, row and column."""
    facts, facts_sha256 = read_facts(folder / "set.yaml")
    manifest = (folder / facts.manifest).resolve()
    if not manifest.is_file():
        raise BadInput(
            f"{folder / 'set.yaml'}: manifest '{facts.manifest}' does not exist ({manifest}); correct 'manifest'."
        )
    raw, manifest_sha256 = read_table(manifest)
    cases = _cases(raw, facts, manifest)
    roots = _roots(folder, facts)
    _check_files(cases, roots, facts.name, manifest)
    digest = content_digest(facts_sha256, manifest_sha256, cases)
    return ValidationSet(facts.name, folder, facts, cases, digest, manifest_sha256, roots)


def _roots(folder: Path, facts: SetFacts) -> dict[str, Path]:
    further = {f"{facts.name}/{first}": (folder / where).resolve() for first, where in facts.folders.items()}
    return {facts.name: (folder / facts.images_folder).resolve(), **further}


def read_facts(path: Path) -> tuple[SetFacts, str]:
    """The facts in a ``set.yaml`` and the SHA-256 of its bytes."""
    try:
        data = file_bytes(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); a validation set needs a set.yaml.") from error
    try:
        raw = plain_yaml(data)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {yaml_problem(error)}.") from error
    if not isinstance(raw, dict):
        raise BadInput(f"{path}: expected a mapping of facts about the set, found {type(raw).__name__}.")
    try:
        return SetFacts.model_validate(raw), hashlib.sha256(data).hexdigest()
    except ValidationError as error:
        raise BadInput(f"{path}: {first_problem(error)}") from error


def content_digest(facts_sha256: str, manifest_sha256: str, cases: pd.DataFrame) -> str:
    """SHA-256 over the digests of set.yaml, of the manifest and of each case's declared files, sorted by case id."""
    files = sorted(
        [str(case), column, str(name), str(digest)]
        for column in _file_columns(cases)
        for case, name, digest in zip(cases["case_id"], cases[column], cases[digest_column(column)], strict=True)
        if pd.notna(name)
    )
    content = {"set.yaml": facts_sha256, "manifest": manifest_sha256, "files": files}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def digest_column(column: str) -> str:
    """Name of the column with the SHA-256 of the files in ``column``."""
    return "sha256" if column == "image" else f"{column}_sha256"


def _cases(raw: pd.DataFrame, facts: SetFacts, where: Path) -> pd.DataFrame:
    derived = {name: _derive(rule, name, raw, where) for name, rule in facts.references.items()}
    derived |= {name: combined(rule, name, raw, where) for name, rule in facts.readings.items()}
    frame = _rename(raw, facts.columns, where)
    for name, values in derived.items():
        if name in frame:
            raise BadInput(f"{where}: reference '{name}' of set.yaml is already a column of the manifest; rename one.")
        frame[name] = values
    for name in ("case_id", "patient_id"):
        _require(name, frame, where, "; name the manifest's own column for it under 'columns' in set.yaml")
    cases = typed(frame, str(where))
    cases[SET_COLUMN] = pd.Series(facts.name, index=cases.index, dtype="string")
    _check_ids(cases, where)
    for name in ("image", "sha256"):
        if name not in cases:
            cases[name] = pd.Series(pd.NA, index=cases.index, dtype="string")
    return CASES.conform(cases)


def _require(name: str, frame: pd.DataFrame, where: Path, advice: str = "") -> None:
    if name not in frame:
        raise BadInput(f"{where}: column '{name}' is missing; the manifest has {_listed(frame)}{advice}.")


def _listed(frame: pd.DataFrame, most: int = 25) -> str:
    names = [str(name) for name in frame.columns]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _rename(raw: pd.DataFrame, columns: Mapping[str, str], where: Path) -> pd.DataFrame:
    """Copies theirs to ours; a manifest column that stood under our name is kept as 'manifest:<name>'."""
    frame = raw.copy()
    for ours, theirs in columns.items():
        _require(theirs, raw, where, f"; set.yaml takes '{ours}' from it")
        if ours in raw and ours != theirs:
            frame[f"manifest:{ours}"] = raw[ours]
        frame[ours] = raw[theirs]
    return frame


def _derive(rule: DerivedReference, name: str, raw: pd.DataFrame, where: Path) -> pd.Series:
    _require(rule.column, raw, where, f"; reference '{name}' in set.yaml is made from it")
    text = raw[rule.column].astype("string").str.strip()
    text = text.mask(text == "", pd.NA)
    if rule.contains is None:
        return is_one_of(text, rule.positive).astype("Int64")
    entries = text.str.split(rule.separator, regex=False)
    hit = [isinstance(parts, list) and rule.contains in [p.strip() for p in parts] for parts in entries]
    return pd.Series(hit, index=raw.index).astype("Int64").mask(text.isna(), pd.NA)


def _check_ids(cases: pd.DataFrame, where: Path) -> None:
    if not len(cases):
        raise BadInput(f"{where}: the manifest has a header but no case; add one row per case.")
    for name in ("case_id", "patient_id"):
        empty = cases[name].isna().to_numpy()
        if empty.any():
            raise BadInput(f"{where}: {name} is empty in row {int(empty.argmax()) + 1}; every case needs one.")
    twice = cases["case_id"][cases["case_id"].duplicated(keep=False)]
    if len(twice):
        rows = [int(i) + 1 for i in twice.index[twice == twice.iloc[0]]]
        raise BadInput(
            f"{where}: case_id '{twice.iloc[0]}' stands in rows {', '.join(map(str, rows[:10]))} "
            f"({twice.nunique()} case ids occur more than once); each case needs its own."
        )


def _file_columns(cases: pd.DataFrame) -> tuple[str, ...]:
    named = [str(c) for c in cases.columns if c == "image" or f"{c}_sha256" in cases.columns]
    return tuple(c for c in named if bool(cases[c].notna().any()))


def _check_files(cases: pd.DataFrame, roots: Mapping[str, Path], set_name: str, where: Path) -> None:
    known: set[str] = set()
    for column in _file_columns(cases):
        pairs = zip(cases[column], cases[digest_column(column)], strict=True)
        for row, (name, digest) in enumerate(pairs, start=1):
            if pd.isna(name):
                continue
            spot = f"{where}: row {row}, column '{column}'"
            _check_digest(digest, spot)
            stored = str(name).partition("#")[0]
            if stored not in known:
                locate_in(roots, set_name, stored, spot)
                known.add(stored)


def _check_digest(digest: object, spot: str) -> None:
    if not (isinstance(digest, str) and len(digest) == 64 and set(digest.lower()) <= set("0123456789abcdef")):
        raise BadInput(
            f"{spot}: the file's SHA-256 is missing or malformed; give 64 hexadecimal digits beside the path."
        )


def locate_in(roots: Mapping[str, Path], set_name: str, name: str, spot: str) -> Path:
    """The file ``name`` of a set: below the folder that its first part stands for, else below the set's own."""
    first, _, rest = name.partition("/")
    further = roots.get(f"{set_name}/{first}")
    return locate(further, rest, spot) if further is not None and rest else locate(roots[set_name], name, spot)


def locate(root: Path, name: str, spot: str) -> Path:
    """The file ``name`` below ``root``, a ``#fragment`` kept; absent files and paths out of the folder are refused."""
    stored, mark, fragment = name.partition("#")
    pure = PurePosixPath(stored.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or re.match("[A-Za-z]:", str(pure)):
        raise BadInput(f"{spot}: path '{name}' leaves the set's folder; give a path inside it, without '..'.")
    path = root / pure
    try:
        inside = path.resolve().is_relative_to(root.resolve())
        present = path.is_file()
    except (OSError, ValueError) as error:
        raise BadInput(f"{spot}: path {name!r} is not a usable file name; correct it.") from error
    if not inside:
        raise BadInput(f"{spot}: '{name}' is a link that leaves the set's folder; put the file itself there.")
    if not present:
        raise BadInput(f"{spot}: file '{name}' does not exist below {root}; add it or correct the row.")
    return path.with_name(path.name + mark + fragment) if mark else path
