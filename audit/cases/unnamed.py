"""Words about an error, without the case that it is about: for records that can never be changed."""

from __future__ import annotations

import re
from pathlib import PurePath

import pandas as pd

WORD = re.compile(r"[^\s,;:'\"()]+")
PIECE = re.compile(r"[\w-]+")
ONE = "(a case)"


def unnamed(words: str, cases: pd.DataFrame) -> str:
    """``words`` with everything that names one of ``cases`` (case id, patient id, file) replaced by '(a case)'."""
    files = [column for column in cases if column == "image" or f"{column}_sha256" in cases]
    ids = {str(one) for column in ("case_id", "patient_id") for one in cases[column].dropna()}
    named = {PurePath(str(one)).name for column in files for one in cases[column].dropna()}

    def told(found: re.Match[str]) -> str:
        word = found.group()
        pieces = {*PIECE.findall(word), word.strip(".")}
        return ONE if pieces & ids or PurePath(word.rstrip(".")).name in named else word

    return WORD.sub(told, words)


ENDINGS = (".nii.gz", ".dcm", ".nii", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npz", ".npy", ".json", ".csv")


def without_paths(cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with each file named by the first 16 digits of its SHA-256 instead of its path.

    What a hospital calls its folders and files may name persons; evidence needs the digest alone.
    """
    columns = {str(column): "sha256" if column == "image" else f"{column}_sha256" for column in cases}
    named = {column: digest for column, digest in columns.items() if digest in cases}
    return cases.assign(**{column: _numbered(cases[column], cases[digest]) for column, digest in named.items()})


def artifacts_without_paths(references: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """References whose files (masks, boxes) are named as ``without_paths`` names them; one without digest 'file'."""
    known: dict[str, str] = {}
    for column, new in without_paths(cases).items():
        if column != "image" and f"{column}_sha256" in cases:
            known |= dict(zip(cases[column].astype("string").fillna(""), new.astype("string").fillna(""), strict=True))
    given = references["artifact"].astype("string")
    told = [pd.NA if pd.isna(one) else known.get(one, f"file{_ending(one)}") for one in given]
    return references.assign(artifact=pd.Series(told, index=references.index, dtype="string"))


def _numbered(paths: pd.Series, digests: pd.Series) -> pd.Series:
    pairs = zip(paths, digests, strict=True)
    told = [pd.NA if pd.isna(path) else f"{str(digest)[:16]}{_ending(path)}" for path, digest in pairs]
    return pd.Series(told, index=paths.index, dtype="string")


def _ending(path: object) -> str:
    name = str(path).partition("#")[0].lower()
    return next((one for one in ENDINGS if name.endswith(one)), "")
