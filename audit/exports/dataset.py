"""The analysis data set: one row per version, target and case, under pseudonyms made for this export alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from audit.tables import stratum_column

VERSIONS = ("candidate", "comparator")
KEY = ["version", "target", "case_id"]
STRATUM = "stratum_"
FIRST = ["version", "target", "subject", "case", "fate", "reason"]


def analysis_data(
    cases: pd.DataFrame, dispositions: pd.DataFrame, observations: pd.DataFrame, audit: str, hidden: frozenset[str]
) -> pd.DataFrame:
    """Fate, reason and observation of every case with its strata; columns without any value are left out.

    ``hidden`` cases have no row. Altered images (perturbation arms) are no cases and have none either.
    """
    shown = cases[~cases["case_id"].isin(hidden)]
    case_names = pseudonyms(shown["case_id"], "C", audit)
    subject_names = pseudonyms(shown["patient_id"], "S", audit)
    seen = observations[observations["version"].isin(VERSIONS)].drop(columns=["patient_id"])
    frame = dispositions[dispositions["version"].isin(VERSIONS)].merge(seen, how="left", on=KEY, validate="one_to_one")
    frame = frame.merge(_facts(shown), how="inner", on="case_id", validate="many_to_one")
    named = zip(frame["reason"], frame["case_id"], frame["patient_id"], frame["image"], strict=True)
    reasons = [_without_names(reason, names) for reason, *names in named]
    frame["reason"] = pd.array(reasons, dtype="string")
    frame["case"] = frame["case_id"].map(case_names)
    frame["subject"] = frame["patient_id"].map(subject_names)
    frame = frame.drop(columns=["case_id", "patient_id", "image"])
    frame = frame.loc[:, frame.notna().any() | frame.empty]
    first = [name for name in FIRST if name in frame]
    ordered = frame[[*first, *(name for name in frame if name not in first)]]
    return ordered.sort_values(["version", "target", "case"], kind="stable").reset_index(drop=True)


def pseudonyms(ids: Iterable[object], letter: str, audit: str) -> Mapping[str, str]:
    """Id -> 'C0001', counted in an order that tells nothing about the ids."""
    known = sorted({str(each) for each in ids}, key=lambda each: hashlib.sha256(f"{audit} {each}".encode()).hexdigest())
    return {each: f"{letter}{number:0{max(4, len(str(len(known))))}d}" for number, each in enumerate(known, 1)}


def _facts(cases: pd.DataFrame) -> pd.DataFrame:
    prefix = stratum_column("")
    strata = {name: f"{STRATUM}{str(name).removeprefix(prefix)}" for name in cases if str(name).startswith(prefix)}
    return cases[["case_id", "patient_id", "image", *strata]].rename(columns=strata)


def _without_names(reason: Any, names: Iterable[Any]) -> str | None:
    """A reason without the set's own name of the case, its patient or its file."""
    if pd.isna(reason):
        return None
    words = str(reason)
    for name in sorted((str(each) for each in names if not pd.isna(each)), key=len, reverse=True):
        words = words.replace(name, "(this case)") if name else words
    return words
