"""What every entry of ``dossier/deficiencies/`` is: a reviewer's question, its clauses, its remedy, what tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from audit.dossier.content import Runs
from audit.dossier.view import AuditView
from audit.tables import UNKNOWN, stratum_column

Severity = Literal["serious", "moderate", "note"]
NAMED = 5


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The evidence and the declared facts do not answer the question; ``because`` completes that word."""

    because: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question. ``find`` gives what is deficient in words and bound numbers, None where nothing is, or that it
    cannot be told. ``eu`` and ``fda`` are entries of the clause catalogues.
    """

    name: str
    question: str
    severity: Severity
    eu: str
    fda: str
    remedy: str
    find: Callable[[AuditView], Runs | CannotTell | None]


def known_levels(view: AuditView, attribute: str) -> tuple[str, ...]:
    """The levels of a stratum, or of the manifest's own column, without unknown ones; empty where none is recorded."""
    for name in (stratum_column(attribute), attribute):
        if name in view.cases:
            return tuple(sorted(set(view.cases[name].dropna().astype(str)) - {UNKNOWN, ""}))
    return ()


def named(items: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    seen = list(dict.fromkeys(items))
    more = f" and {len(seen) - NAMED} more" if len(seen) > NAMED else ""
    return ", ".join(seen[:NAMED]) + more
