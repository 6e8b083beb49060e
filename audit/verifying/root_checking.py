"""Roots that the audit's own documents print, against the ledger, and statements that claim to be from the future.

Each document prints the root of the ledger on which it was built. So a ledger that was rebuilt without its documents
is told by them, without anything from outside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from audit.evidence.chain import describe
from audit.evidence.difference import Difference
from audit.evidence.merkle import merkle_roots
from audit.evidence.statements import MISSHAPEN
from audit.evidence.store import AuditStore
from audit.records import BadInput

AHEAD = timedelta(minutes=10)
"""How far the clocks of two honest machines may stand apart."""


def check_roots(store: AuditStore) -> Iterator[Difference]:
    """Standing documents whose root no state of the ledger before them has; nothing where the chain is broken."""
    if store.ledger.check():
        return
    lines = store.ledger.lines()
    states = dict(zip(merkle_roots(line.digest for line in lines), range(1, len(lines) + 1), strict=True))
    places = {line.id: place for place, line in enumerate(lines)}
    for name, one in store.subjects().items():
        root = _root(store, name) if one.kind == "document" and name.endswith(".json") else ""
        if root and states.get(root, len(lines) + 1) > places[one.id]:
            what = "It was built on another ledger than the one that stands here: one of the two was rewritten."
            yield Difference(f"{name}: ledger root", "a root of this ledger", root, what)


def _root(store: AuditStore, name: str) -> str:
    try:
        return str(json.loads(store.read_bytes(name))["ledger_root"])
    except (BadInput, *MISSHAPEN):
        return ""  # its digest tells, or it is not in the bundle


def check_future(store: AuditStore) -> Iterator[Difference]:
    """The first statement that is later than this machine's clock by more than clocks may differ."""
    latest = datetime.now(UTC) + AHEAD
    for number, line in enumerate(store.ledger.lines(), 1):
        if line.read and _time(line.read.statement.created) > latest:
            what = "The statement is from the future: its clock or this machine's is wrong, or the time was changed."
            place = f"{store.ledger.path.name} line {number} ({describe(line)})"
            yield Difference(place, f"a time not after {latest.isoformat()[:19]}Z", line.read.statement.created, what)
            return


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
