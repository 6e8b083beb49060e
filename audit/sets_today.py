"""The validation sets of an audit as they stand here today, where they stand here at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from audit.cases.manifest import find_set, read_set
from audit.evidence.store import AuditStore
from audit.plan import Plan
from audit.records import BadInput


@dataclass(frozen=True, slots=True)
class SetsToday:
    """The folders of the sets that were found, by the plan's name for them, and the names of those that were not."""

    folders: Mapping[str, Path]
    absent: tuple[str, ...]

    def digests(self, bound: Mapping[str, str]) -> dict[str, str]:
        """Set name -> digest over manifest, set.yaml and declared digests; of absent sets the ``bound`` one.

        Raises ``BadInput`` where a set that stands here cannot be read (any more).
        """
        read = [read_set(folder) for folder in self.folders.values()]
        return {**bound, **{each.name: each.sha256 for each in read}}

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
    return SetsToday(present, tuple(name for name in found if name not in present))


def _folder(name: str, bases: list[Path]) -> Path | None:
    for base in bases:
        try:
            return find_set(name, base)
        except BadInput:
            continue
    return None
