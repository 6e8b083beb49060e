"""The validation sets of an audit as they stand here today, where they stand here at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from audit.cases.manifest import ValidationSet, find_set, read_set
from audit.cases.person_columns import without_persons
from audit.cases.unnamed import without_paths
from audit.evidence.comparison import compare_tables
from audit.evidence.erasures import erasures
from audit.evidence.store import AuditStore
from audit.evidence.uses import SET, SHOWN, USES
from audit.plan import Plan
from audit.records import BadInput
from audit.tables import CASES


@dataclass(frozen=True, slots=True)
class SetsToday:
    """The folders of the sets that were found, by the plan's name for them, and the names of those that were not.

    ``remaining``: whether a set holds just what an erasure left of it.
    """

    folders: Mapping[str, Path]
    absent: tuple[str, ...]
    remaining: Callable[[ValidationSet], bool] = lambda _: False

    def digests(self, bound: Mapping[str, str]) -> dict[str, str]:
        """Set name -> digest over manifest, set.yaml and declared digests; of absent sets the ``bound`` one.

        Raises ``BadInput`` where a set that stands here cannot be read (any more).
        """
        read = [read_set(folder) for folder in self.folders.values()]
        kept = {each.name for each in read if each.sha256 != bound.get(each.name) and self.remaining(each)}
        return {**bound, **{each.name: each.sha256 for each in read if each.name not in kept}}

    def in_words(self) -> str:
        """What was not compared; empty where every set was found."""
        if not self.absent:
            return ""
        return f" Not found here, so not compared: validation set {', '.join(self.absent)} (see --sets)."


def sets_today(store: AuditStore, plan: Plan, given: Path | None) -> SetsToday:
    """Looks for the plan's sets in ``given``, else in this folder and beside the home, else among the packaged ones."""
    bases = [given] if given is not None else [Path(), store.home.parent]
    found = {name: _folder(name, bases) for name in plan.validation_sets}
    present = {name: folder for name, folder in found.items() if folder is not None}
    absent = tuple(name for name in found if name not in present)
    return SetsToday(present, absent, lambda each: bool(erasures(store)) and _is_what_remains(store, each))


def _is_what_remains(store: AuditStore, today: ValidationSet) -> bool:
    """Whether a set differs from the audited one by the erased cases alone: same facts, same rows of the others."""
    stated = {each["name"]: each["facts"] for each in json.loads(store.read_bytes("set.json"))["sets"]}
    cases = store.read_table(CASES)
    mine = cases[cases[SET] == today.name]
    now = without_persons(without_paths(today.cases), [str(name) for name in mine])
    shared = [name for name in now if name in mine]
    columns = [name for name in mine if not str(name).startswith("stratum:") and name not in (USES, SHOWN)]
    if stated.get(today.name) != today.facts.model_dump(mode="json") or set(shared) != set(columns):
        return False
    return not compare_tables(today.name, mine[shared], now[shared])


def _folder(name: str, bases: list[Path]) -> Path | None:
    for base in bases:
        try:
            return find_set(name, base)
        except BadInput:
            continue
    return None
