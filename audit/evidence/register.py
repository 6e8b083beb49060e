"""The home's register: every lock, amendment, run and abort on a validation set, in a ledger of its own.

It answers the assessor's question "how often has anybody looked at this set?"; aborted runs are listed too.
Source: ICH E9 section 5.1 (pre-specification); FDA, Artificial Intelligence-Enabled Device Software Functions
(draft, January 2025), on control of access to test data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from audit.evidence.keys import SigningKey
from audit.evidence.ledger import Ledger
from audit.evidence.store import REGISTER, AuditStore
from audit.home import AUDITS, experiment, open_home
from audit.plan import StoredPlan
from audit.records import Statement
from audit.tables import ACCESSES

ANCHOR = "audit.register_head"
EventName = Literal["lock", "amend", "run started", "run finished", "run aborted"]
LOCKS = ("lock", "amend")
SHOWN = "case shown"
ENDS = ("run finished", "run aborted")


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the register. ``sets`` and ``models`` hold digests; ``head`` the audit ledger's end at that time;
    ``seq`` its place in the register."""

    event: str
    audit: str
    run_id: str
    plan: str
    plan_sha256: str
    sets: Mapping[str, str]
    models: Mapping[str, Mapping[str, str]]
    at: str
    who: str | None
    note: str | None
    head: tuple[int, str] | None
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Showing:
    """Case-level output was shown: of which cases (by key), in which role, to what purpose."""

    audit: str
    plan: str
    plan_sha256: str
    sets: Mapping[str, str]
    at: str
    who: str | None
    role: str
    purpose: str
    cases: tuple[str, ...]
    seq: int


def register_of(home: Path, key: SigningKey | None = None) -> Ledger:
    """The register's ledger; ``key`` signs what is entered. Signed and unsigned audits share one register."""
    return Ledger(home.resolve() / REGISTER, signer=key.signer if key else None)


def enter(
    store: AuditStore,
    event: EventName,
    plan: StoredPlan,
    sets: Mapping[str, str],
    models: Mapping[str, Mapping[str, str]],
    who: str | None,
    at: str,
    note: str | None = None,
) -> Statement:
    """Writes an event of ``store``'s audit into the register; ``at`` is UTC, ISO 8601."""
    head = store.ledger.head()
    body: dict[str, Any] = {
        "event": event,
        "run_id": store.run_id,
        "plan": plan.plan.id,
        "sets": dict(sets),
        "models": {version: dict(files) for version, files in models.items()},
        "who": who,
        "note": note,
        "head": [head.seq, head.digest] if head else None,
    }
    subjects = {"plan:sha256": plan.sha256} | {f"set:{name}": digest for name, digest in sets.items()}
    ledger = register_of(store.home, store.key)
    statement = ledger.append(event, subjects, [], body, store.producer, at, store.audit_id)
    _anchor(store.home)
    return statement


def enter_showing(
    store: AuditStore,
    plan_sha256: str,
    plan: str,
    sets: Mapping[str, str],
    cases: Sequence[str],
    role: str,
    purpose: str,
    who: str | None,
    at: str,
) -> Statement:
    """Writes into the register that output of single cases of sequestered sets was shown."""
    body: dict[str, Any] = {
        "event": SHOWN,
        "run_id": store.run_id,
        "plan": plan,
        "sets": dict(sets),
        "who": who,
        "role": role,
        "purpose": purpose,
        "cases": sorted(cases),
    }
    subjects = {"plan:sha256": plan_sha256} | {f"set:{name}": digest for name, digest in sets.items()}
    ledger = register_of(store.home, store.key)
    statement = ledger.append(SHOWN, subjects, [], body, store.producer, at, store.audit_id)
    _anchor(store.home)
    return statement


def _anchor(home: Path) -> None:
    """Records the register's head in MLflow, on the experiment of all audits."""
    client = open_home(home)
    head = register_of(home).head()
    if head:
        client.set_experiment_tag(experiment(home, AUDITS).experiment_id, ANCHOR, f"{head.seq}:{head.digest}")


def recorded_head(home: Path) -> str:
    """The register's head as MLflow holds it, 'seq:digest', or ''."""
    return str(experiment(home, AUDITS).tags.get(ANCHOR, ""))


def events(home: Path) -> list[Event]:
    """Every lock, amendment, start and end in the order it was written; none where no register stands."""
    return [_event(statement, audit, seq) for statement, audit, seq in _entries(home) if _name(statement) != SHOWN]


def showings(home: Path) -> list[Showing]:
    """Every showing of output of single cases, in the order it was written."""
    return [_showing(statement, audit, seq) for statement, audit, seq in _entries(home) if _name(statement) == SHOWN]


def _entries(home: Path) -> Iterator[tuple[Statement, str, int]]:
    for line in register_of(home).lines():
        if line.read and "event" in line.read.statement.body:
            yield line.read.statement, line.read.audit, line.seq


def _name(statement: Statement) -> str:
    return str(statement.body["event"])


def _showing(statement: Statement, audit: str, seq: int) -> Showing:
    body = statement.body
    return Showing(
        audit, body["plan"], statement.subjects["plan:sha256"], body["sets"], statement.created, body["who"],
        body["role"], body["purpose"], tuple(body["cases"]), seq,
    )  # fmt: skip


def _event(statement: Statement, audit: str, seq: int) -> Event:
    body = statement.body
    return Event(
        event=body["event"],
        audit=audit,
        run_id=body["run_id"],
        plan=body["plan"],
        plan_sha256=statement.subjects["plan:sha256"],
        sets=body["sets"],
        models=body["models"],
        at=statement.created,
        who=body["who"],
        note=body["note"],
        head=(int(body["head"][0]), str(body["head"][1])) if body["head"] else None,
        seq=seq,
    )


def accesses(home: Path) -> pd.DataFrame:
    """ACCESSES: every event, one row per validation set. A start that never ended is named so, or, where the same
    audit was started again, followed by 'run aborted'."""
    rows = [row for event in _with_silent_aborts(events(home)) for row in _rows(event)]
    if shown := [row for one in showings(home) for row in _shown_rows(one)]:
        rows = sorted([*rows, *shown], key=lambda row: str(row["at"]))
    return ACCESSES.conform(pd.DataFrame(rows, columns=list(ACCESSES.columns)))


def _with_silent_aborts(known: list[Event]) -> Iterator[Event]:
    for number, event in enumerate(known):
        if event.event != "run started":
            yield event
            continue
        later = [one for one in known[number + 1 :] if one.audit == event.audit and one.event not in LOCKS]
        if later and later[0].event in ENDS:
            yield event
        elif later:
            yield event
            yield _renamed(
                event, "run aborted", later[0].at, "no end was recorded before the next start: killed or crashed"
            )
        else:
            yield _renamed(event, "run started", event.at, _joined(event.note, "not finished"))


def _joined(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)


def _renamed(event: Event, name: str, at: str, note: str) -> Event:
    return Event(
        name,
        event.audit,
        event.run_id,
        event.plan,
        event.plan_sha256,
        event.sets,
        event.models,
        at,
        event.who,
        note,
        None,
    )


def _rows(event: Event) -> list[dict[str, str | None]]:
    shared = {
        "event": event.event,
        "audit": event.audit,
        "plan": event.plan,
        "plan_sha256": event.plan_sha256,
        "at": event.at,
        "who": event.who,
        "note": event.note,
    }
    return [{**shared, "validation_set": name, "set_sha256": digest} for name, digest in event.sets.items()]


def _shown_rows(one: Showing) -> list[dict[str, str | None]]:
    note = f"{len(one.cases)} cases shown, {one.purpose}, in the role of {one.role}"
    shared = {"event": SHOWN, "audit": one.audit, "plan": one.plan, "plan_sha256": one.plan_sha256}
    shared |= {"at": one.at, "who": one.who, "note": note}  # type: ignore[dict-item]
    return [{**shared, "validation_set": name, "set_sha256": digest} for name, digest in one.sets.items()]
