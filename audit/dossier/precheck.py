"""Every question a reviewer would ask, answered from evidence and declared facts; what cannot be told says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from audit.catalogue import entries
from audit.dossier.catalogues import known_requirements
from audit.dossier.content import Runs, Tone, text
from audit.dossier.deficiencies.check import CannotTell, Check, Severity
from audit.dossier.view import AuditView

Outcome = Literal["deficient", "cannot be told", "nothing to ask"]
ROOM = "dossier.deficiencies"
GRAVEST: tuple[Severity, ...] = ("serious", "moderate", "note")
ORDER: tuple[Outcome, ...] = ("deficient", "cannot be told", "nothing to ask")
TONES: Mapping[Severity, Tone] = {"serious": "bad", "moderate": "part", "note": "quiet"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with its outcome; ``what`` says what was found, or why it cannot be told."""

    check: Check
    outcome: Outcome
    what: Runs = ()

    @property
    def clauses(self) -> tuple[str, str]:
        """The clause in the EU's and in FDA's text."""
        known = known_requirements()
        return known[self.check.eu].label, known[self.check.fda].label


def precheck(view: AuditView) -> tuple[Asked, ...]:
    """Every question: deficiencies first, the gravest of them first, then what cannot be told, then the rest."""
    checks: Mapping[str, Check] = entries(ROOM)
    return tuple(sorted((_ask(check, view) for check in checks.values()), key=_place))


def _ask(check: Check, view: AuditView) -> Asked:
    found = check.find(view)
    if found is None:
        return Asked(check, "nothing to ask")
    if isinstance(found, CannotTell):
        return Asked(check, "cannot be told", text(f"Cannot be told, because {found.because}."))
    return Asked(check, "deficient", found)


def _place(asked: Asked) -> tuple[int, int, str]:
    return ORDER.index(asked.outcome), GRAVEST.index(asked.check.severity), asked.check.name
