"""How often each case has been used and shown: the register's events, and the cases that each audit stated.

A case is known again by its image's SHA-256, whatever set or name it stands under; without an image, by the digest of
set and case id. Source: FDA, Artificial Intelligence-Enabled Device Software Functions (draft, January 2025), on
control of access to test data; Dwork et al., Science 2015;349:636, on what reuse does to a holdout set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from audit.evidence.parquet import table_from
from audit.evidence.register import Event, events, showings
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore, table_path
from audit.records import BadInput
from audit.tables import CASE_USES, CASES, FRESH, REUSED

SET = "validation_set"
USES, SHOWN = "uses_before", "shown_before"


def case_keys(cases: pd.DataFrame) -> pd.Series:
    """What each case is known by: its image's SHA-256, else that of 'set/case id': the register keeps it for good."""
    named = cases[SET].astype("string") + "/" + cases["case_id"].astype("string")
    digests = named.map(lambda name: sha256(name.encode()), na_action="ignore").astype("string")
    return cases["sha256"].astype("string").fillna(digests)


def with_uses(store: AuditStore, cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with ``uses_before`` (audits that had been started on the case when this one first was) and
    ``shown_before`` (how often its output had been shown by then).

    A resumed audit counts from its own first start, so that resuming changes nothing.
    """
    known = events(store.home)
    first = next((one.seq for one in known if one.audit == store.audit_id and one.event == "run started"), None)
    earlier = [one for one in known if first is not None and one.seq < first and one.audit != store.audit_id]
    seen = [one for one in showings(store.home) if first is not None and one.seq < first]
    keys = case_keys(cases)
    used, shown = _used(store.home, earlier, cases, keys), Counter(key for one in seen for key in one.cases)
    counts = {USES: [used[key] for key in keys], SHOWN: [shown[key] for key in keys]}
    return cases.assign(**{name: pd.array(values, dtype="Int64") for name, values in counts.items()})


def case_use(cases: pd.DataFrame) -> pd.Series:
    """The level of each case: 'fresh' where no audit had used and nobody had seen it, else 'reused'."""
    fresh = (cases[USES] == 0) & (cases[SHOWN] == 0)
    return pd.Series([FRESH if one else REUSED for one in fresh], index=cases.index, dtype="string")


def _used(home: Path, earlier: list[Event], cases: pd.DataFrame, keys: pd.Series) -> Counter[str]:
    """Audits per case; one that was started and never stated its cases used every case of a set of that name."""
    used: Counter[str] = Counter()
    for run_id, event in {one.run_id: one for one in earlier if one.event == "run started"}.items():
        stated = stated_cases(home, run_id)
        mine = keys[cases[SET].isin(list(event.sets))] if stated is None else case_keys(stated)
        used.update(set(mine))
    return used


def stated_cases(home: Path, run_id: str) -> pd.DataFrame | None:
    """The cases of an audit, from its evidence; None where it never stated them or they cannot be read."""
    path = AuditStore(home.resolve(), "", run_id, {}).folder / table_path(CASES)
    try:
        return table_from(CASES, path.read_bytes(), f"{run_id}: {table_path(CASES)}")
    except (OSError, BadInput):
        return None


def case_uses(home: Path) -> pd.DataFrame:
    """CASE_USES: each case that an audit of this home has used, how often, and when, by which plan and whom last."""
    shown = Counter(key for one in showings(home) for key in one.cases)
    rows: dict[str, dict[str, object]] = {}
    for event in _starts(home):
        cases = stated_cases(home, event.run_id)
        if cases is not None:
            for key, case, part in zip(case_keys(cases), cases["case_id"], cases[SET], strict=True):
                row = rows.setdefault(key, {"case_key": key, "uses": 0, "shown": shown[key]})
                row |= {"case_id": case, SET: part, "uses": int(str(row["uses"])) + 1}
                row |= {"last_at": event.at, "last_plan": event.plan, "last_who": event.who}
    return CASE_USES.conform(pd.DataFrame(list(rows.values()), columns=list(CASE_USES.columns)))


def _starts(home: Path) -> Iterator[Event]:
    """The first start of each audit, in order."""
    seen: set[str] = set()
    for event in events(home):
        if event.event == "run started" and event.audit not in seen:
            seen.add(event.audit)
            yield event
