"""Does a method of explanation not explain?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.dossier.content import Runs, Text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import AuditView
from audit.dossier.words import version_label


def _find(view: AuditView) -> Runs | CannotTell | None:
    """The methods whose verdict, by the plan's criteria, is 'not usable'; one rule for pictures and pre-check."""
    if not len(view.explanations):
        return CannotTell("no case was explained")
    if not len(view.explanation_verdicts):
        return CannotTell("the maps were not examined")
    failed = view.explanation_verdicts[view.explanation_verdicts["verdict"] == "not usable"]
    return tuple(Text(_sentence(view, row)) for row in failed.to_dict("records")) or None


def _sentence(view: AuditView, row: Mapping[Any, Any]) -> str:
    who = f"{version_label(view, row['version'])}, {row['target']}, {row['method'].replace('_', ' ')}"
    return f"{who}: not usable by the criteria of the plan. "


ENTRY = Check(
    name="explanation not usable",
    question="Do the maps shown to users tell what drives the output?",
    severity="moderate",
    eu="aia.art.13.3.b.iv",
    fda="fda.aidsf.vi.b.13",
    remedy="Do not show maps of this method to users; choose one that passes the plan's criteria for maps.",
    find=_find,
)
