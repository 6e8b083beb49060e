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
