"""What the register says of one audit, against the audit's own ledger: times, keys, the events that a run leaves.

Register and ledger are chains of their own. Whoever rewrites one of them and renews its anchor has still to agree with
the other: an event recorded the ledger's end at its time, so that its time stands between those of two statements; it
is signed where that end is; what the audit stated of the register (its table of accesses) stands there still.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import pandas as pd

from audit.evidence.binding import Lock
from audit.evidence.chain import Line, describe, ran_back
from audit.evidence.difference import Difference
from audit.evidence.locks import read_lock
from audit.evidence.register import ENDS, LOCKS, Event, accesses, events, register_of
from audit.evidence.store import AuditStore, table_path
from audit.records import BadInput
from audit.tables import ACCESSES

UNFINISHED = "not finished"
"""An access of which nothing more was known; what became of it since is another row."""


def check_register(store: AuditStore) -> list[Difference]:
    """What register and ledger of the audit contradict each other in; both chains were found whole."""
    register = register_of(store.home)
    places = {
        line.seq: f"{register.path.name} line {number} ({describe(line)})"
        for number, line in enumerate(register.lines(), 1)
    }
    signers = {line.seq: set(line.read.signers) for line in register.lines() if line.read}
    mine = [one for one in events(store.home) if one.audit == store.audit_id]
    ledger = {line.seq: line for line in store.ledger.lines()}
    return [
        *_absent(store, mine),
        *(each for one in mine for each in _of_event(store, one, places[one.seq], ledger, signers[one.seq])),
        *_in_order(mine, places),
        *_accesses(store),
    ]


def _absent(store: AuditStore, mine: Sequence[Event]) -> Iterator[Difference]:
    """Events that the audit's own statements imply."""
    named, files = {one.event for one in mine}, store.subjects()
    implied = {"lock": ("lock.json" in files, LOCKS), "run started": ("set.json" in files, ("run started",))}
    implied["run finished"] = ("tables/accesses.parquet" in files, ("run finished",))
    for event, (stated, either) in implied.items():
        if stated and named.isdisjoint(either):
            what = "The ledger shows that it happened: it was taken out of the register."
            yield Difference(f"register: {event} of audit {store.audit_id}", "an entry", "no entry", what)


def _of_event(
    store: AuditStore, event: Event, place: str, ledger: Mapping[int, Line], signers: set[str]
) -> Iterator[Difference]:
    if event.run_id != store.run_id:
        what = "The entry names another MLflow run than that of the audit."
        yield Difference(f"{place}, run", store.run_id, event.run_id, what)
    if event.head is None:
        what = "Each event records where the audit's ledger ended: the record was taken out."
        yield Difference(f"{place}, head", "the end of the ledger", "none", what)
        return
    yield from _bound(store, event, place)
    head, after = ledger.get(event.head[0]), ledger.get(event.head[0] + 1)
    if head and head.read:
        if head.read.signers and not signers:
            what = "The audit was signed when the event was entered, and the entry is not: its signature was removed."
            yield Difference(f"{place}, signature", "a signature", "none", what)
        if event.event in ENDS:
            yield from _dated(place, head.read.statement.created, event.at)
    if after and after.read:
        yield from _dated(place, event.at, after.read.statement.created)


def _bound(store: AuditStore, event: Event, place: str) -> Iterator[Difference]:
    """A lock's entry says who locked when, as the lock itself does."""
    bound = _lock(store)
    if bound is None or event.event not in LOCKS:
        return
    for name, expected, found in (("time", bound.at, event.at), ("who", bound.who, event.who)):
        if expected != found:
            what = "The lock says otherwise."
            yield Difference(f"{place}, {name}", str(expected), str(found), what)


def _lock(store: AuditStore) -> Lock | None:
    try:
        return read_lock(store)
    except BadInput:
        return None


def _dated(place: str, before: str, after: str) -> Iterator[Difference]:
    if ran_back(before, after):
        what = "By the ledger's end that it recorded, the event lies between two statements of other times."
        yield Difference(f"{place}, time", f"{before} not later than {after}", "later", what)


def _in_order(mine: Sequence[Event], places: Mapping[int, str]) -> Iterator[Difference]:
    for before, after in pairwise(mine):
        if ran_back(before.at, after.at):
            what = "The clock ran backwards between two events of one audit."
            yield Difference(f"{places[after.seq]}, time", f"a time not before {before.at}", after.at, what)


def _accesses(store: AuditStore) -> Iterator[Difference]:
    """Rows of the audit's table of accesses that the register no longer gives."""
    if table_path(ACCESSES) not in store.subjects():
        return
    try:
        stated = store.read_table(ACCESSES)
    except BadInput:
        return  # its digest tells
    today = {_row(row) for row in accesses(store.home).to_dict("records")}
    for row in stated.to_dict("records"):
        if UNFINISHED not in str(row["note"]) and _row(row) not in today:
            thing = f"register: {row['event']} of audit {row['audit']}, {row['at']}"
            what = "The audit stated this entry when its documents were built: it was changed or taken out since."
            yield Difference(thing, "the entry as stated", "no such entry", what)


def _row(row: Mapping[object, object]) -> tuple[str, ...]:
    return tuple("" if pd.isna(row[name]) else str(row[name]) for name in ACCESSES.columns)  # type: ignore[call-overload]
