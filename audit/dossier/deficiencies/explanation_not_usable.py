"""Does a method of explanation not explain?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from audit.dossier.citing import cite
from audit.dossier.content import Runs, Text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.pointers import pointer
from audit.dossier.view import EXPLANATION_VERDICTS, AuditView
from audit.dossier.words import version_label


def _find(view: AuditView) -> Runs | CannotTell | None:
    """The methods whose verdict, by the plan's criteria, is 'not usable'; one rule for pictures and pre-check."""
    if not len(view.explanations):
        return CannotTell("no case was explained")
    if not len(view.explanation_verdicts):
        return CannotTell("the maps were not examined")
    rows = enumerate(view.explanation_verdicts.to_dict("records"))
    failed = [(number, row) for number, row in rows if row["verdict"] == "not usable"]
    return tuple(run for number, row in failed for run in _sentence(view, number, row)) or None


def _sentence(view: AuditView, number: int, row: Mapping[Any, Any]) -> Runs:
    who = f"{version_label(view, row['version'])}, {row['target']}, {row['method'].replace('_', ' ')}"
    verdict = cite(view, EXPLANATION_VERDICTS, pointer("rows", number, "verdict"), "not usable")
    return (Text(f"{who}: "), verdict, Text(f" by the criteria of the plan ({_why(str(row['reasons']))}). "))


def _why(reasons: str) -> str:
    """The names of what was missed, or why there is nothing to ask; numbers stand with the quality of the maps."""
    parts = reasons.split("; ")
    missed = [re.split(r" at | above | for | \(", part)[0] for part in parts if part.endswith(": missed")]
    none = [part.partition(":")[0] for part in parts if part.startswith("no ")]
    return "; ".join([*none, *([f"missed: {', '.join(dict.fromkeys(missed))}"] if missed else [])]).replace("_", " ")


ENTRY = Check(
    name="explanation not usable",
    question="Do the maps shown to users tell what drives the output?",
    severity="moderate",
    eu="aia.art.13.3.b.iv",
    fda="fda.aidsf.vi.b.13",
    remedy="Do not show maps of this method to users; choose one that passes the plan's criteria for maps.",
    find=_find,
)
