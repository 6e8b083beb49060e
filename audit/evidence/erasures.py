"""Erasures: statements that a patient's rows were taken out of an audit, and what they leave to be checked.

The statement is appended before the first file is touched; it names each file's digest before and after, never the
patient. A file that still has the digest before is an erasure that was interrupted: it is named, and finished by giving
the same command again. Only files about single cases may be erased from: estimates, verdicts, plan and lock stay as
they were recorded. Source: Regulation (EU) 2016/679, Articles 17 (erasure) and 5(2) (accountability for it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.evidence.difference import Difference
from audit.evidence.statements import ERASED
from audit.evidence.store import AuditStore
from audit.records import Statement

SUMMARIES = ("estimates", "analyses", "importance", "curves", "accesses", "explanation_verdicts")
"""Tables without a row for a single case: nothing is erased from them."""
CASE_FILES = ("tables/", "shards/", "marks/", "recorded/", "references/", "determinism.json")
WITH_CASES = ("explanations/", "documents/", "reproductions/")


@dataclass(frozen=True, slots=True)
class Change:
    """A file that lost rows: its SHA-256 before and after, and how many rows (masks, mentions) were taken out."""

    before: str
    after: str
    rows: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased, as stated. ``removed``: whole files (pictures, maps, documents that show the patient) with their
    digests; ``partly``: whether a patient kept other cases."""

    id: str
    at: str
    by: str
    reason: str
    patients: int
    cases: int
    partly: bool
    files: Mapping[str, Change]
    removed: Mapping[str, str]

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.files.values())

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of the products that lost rows: what documents printed from them cannot be looked up any more."""
        names = (name.removeprefix("tables/").partition(".")[0] for name in self.files)
        return frozenset(name.partition("/")[0] for name in names)

    def in_words(self) -> str:
        """The erasure in one sentence, for whoever verifies."""
        return (
            f"{self._what} erased on {self.at[:10]} by {self.by} ({self.reason}): estimates printed before erasure "
            "cannot be recomputed from the remaining rows; the rest holds."
        )

    def for_documents(self) -> str:
        """The erasure as documents print it."""
        return (
            f"{self._what} erased on {self.at[:10]}: estimates are those recorded before; counts of cases and what is "
            "shown of single cases are of what remains."
        )

    @property
    def _what(self) -> str:
        whom = f"{self.patients} patient{'s' if self.patients != 1 else ''}"
        partly = f" ({self.cases} of their cases, not all)" if self.partly else ""
        return f"{self.rows} rows of {whom}{partly}"


def erasures(store: AuditStore) -> list[Erasure]:
    """Every erasure of the audit in the order it was stated; one whose statement is malformed is left to the check."""
    return [found for one in store.statements(ERASED) if (found := _read(one)) is not None]


def _read(one: Statement) -> Erasure | None:
    try:
        body: Mapping[str, Any] = one.body
        files = {str(name): Change(**each) for name, each in body["files"].items()}
        numbers = int(body["patients"]), int(body["cases"]), bool(body["partly"])
        return Erasure(
            one.id, one.created, str(body["by"]), str(body["reason"]), *numbers, files, dict(body["removed"])
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def may_change(name: str) -> bool:
    """Whether rows may be erased from the file: it holds single cases."""
    table = name.removeprefix("tables/").removesuffix(".parquet")
    return name.startswith(CASE_FILES) and table not in SUMMARIES


def check_erasures(store: AuditStore) -> Iterator[Difference]:
    """Erasures that cannot stand: of a file that holds no single case, or of bytes that the audit did not hold."""
    standing: dict[str, str] = {}
    for one in store.statements():
        if one.kind == ERASED:
            yield from _impossible(one, standing)
        standing |= one.subjects


def _impossible(one: Statement, standing: Mapping[str, str]) -> Iterator[Difference]:
    thing, found = f"erasure of {one.created[:19]}Z", _read(one)
    if found is None or {name: each.after for name, each in found.files.items()} != one.subjects:
        yield Difference(thing, "what was erased, file by file", "no such list", "The statement says nothing usable.")
        return
    claimed = {name: each.before for name, each in found.files.items()} | dict(found.removed)
    for name, before in claimed.items():
        allowed = may_change(name) if name in found.files else name.startswith(WITH_CASES)
        if not allowed:
            what = "An erasure may not change what holds no single case."
            yield Difference(f"{thing}: {name}", "untouched", "named as erased", what)
        elif standing.get(name) != before:
            what = "It claims to have erased from bytes that this audit did not hold."
            yield Difference(f"{thing}: {name}", f"SHA-256 {standing.get(name, 'none')}", before, what)


def unfinished(store: AuditStore, digests: Mapping[str, str]) -> list[str]:
    """Files that an erasure names and that still have their bytes before it. ``digests``: name -> SHA-256 today."""
    latest: dict[str, str] = {}
    for one in erasures(store):
        latest |= {name: each.before for name, each in one.files.items()} | dict(one.removed)
    known = store.subjects()
    stated = {name: known[name].subjects[name] for name in known}
    return [name for name, digest in latest.items() if digests.get(name) == digest != stated.get(name)]


def sentence(found: Sequence[Erasure]) -> str:
    """All erasures in words, for ``audit verify``; empty where nothing was erased."""
    return " ".join(one.in_words() for one in found)
