"""Sequestered sets: output of single cases is shown to the assessment role only, and each showing is on record.

The role is declared, not proved: who may read the home's files is the operating system's business. What is held here
is that the commands show nothing without it, and that nobody who used it can say that nothing was shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import pandas as pd

from audit.evidence.locks import read_lock
from audit.evidence.register import enter_showing
from audit.evidence.store import AuditStore
from audit.evidence.uses import SET, case_keys
from audit.records import BadInput
from audit.tables import CASES

ASSESSMENT = "assessment"
ROLES = ("", ASSESSMENT)


def withheld(store: AuditStore, wanted: Iterable[str], role: str, purpose: str, who: str, at: str) -> frozenset[str]:
    """Which of the ``wanted`` case ids may not be shown; those that may, of sequestered sets, are entered as shown.

    Raises ``BadInput`` for a role that does not exist.
    """
    if role not in ROLES:
        raise BadInput(f"role '{role}' does not exist; the role that may see single cases is '{ASSESSMENT}'.")
    cases = sequestered_cases(store)
    mine = cases[cases["case_id"].isin(set(wanted))]
    if role != ASSESSMENT:
        return frozenset(mine["case_id"].astype(str))
    if len(mine):
        bound = read_lock(store)
        sets = {name: digest for name, digest in bound.sets.items() if name in set(mine[SET])}
        enter_showing(store, bound.plan_sha256, bound.plan, sets, list(case_keys(mine)), role, purpose, who, at)
    return frozenset()


def sequestered_cases(store: AuditStore) -> pd.DataFrame:
    """The cases of the audit's sequestered sets."""
    sets = json.loads(store.read_bytes("set.json"))["sets"]
    names = [each["name"] for each in sets if each["facts"].get("sequestered")]
    cases = store.read_table(CASES)
    return cases[cases[SET].isin(names)]
