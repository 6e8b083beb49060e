"""Pictures of cases of the detection targets: which cases, by a rule that anyone can redo, and what was drawn on them.

Of each version and target the first two analysed cases, by case id, of each kind: with a missed lesion, with a false
mark, with a lesion found. A case is drawn once for a version and target. Nothing of it is evidence: the numbers are in
the tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit.cases.loading import image_loader
from audit.cases.manifest import SET_COLUMN, ValidationSet, read_set
from audit.evidence.locks import read_lock
from audit.evidence.store import AuditStore
from audit.explanations.mark_pictures import Spot, marks_png
from audit.plan import Plan
from audit.records import BadInput
from audit.tables import CASES, DISPOSITIONS, LESIONS, LOCALISATIONS, MARKS
from audit.verifying.sets_today import sets_today

OF_EACH_KIND = 2
KINDS = ("missed", "false", "hit")
PLACED = (LESIONS.name, MARKS.name, LOCALISATIONS.name)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One case of a version and target: what is drawn on it, and how many marks below the operating point are not."""

    version: str
    target: str
    case_id: str
    spots: tuple[Spot, ...]
    below: int


def draw_marks(
    store: AuditStore, plan: Plan, allowed: frozenset[str], folder: Path, sets: Path | None
) -> dict[Path, str]:
    """Writes pictures of cases among ``allowed`` into ``folder``; file -> what it shows.

    The images come from the sets as they stand here. Raises ``BadInput`` where a set is not found, or is not the one
    that was audited.
    """
    needed = (LESIONS, MARKS, LOCALISATIONS, CASES, DISPOSITIONS)
    tables = {table.name: store.read_table(table) for table in needed}
    chosen = list(_chosen(plan, tables, allowed))
    names = tables["cases"].set_index("case_id")[SET_COLUMN]
    audited = _sets(store, plan, sets) if chosen else {}
    load = {name: image_loader(each) for name, each in audited.items()}
    simulated = any(each.facts.simulated for each in audited.values())
    written: dict[Path, str] = {}
    for drawn in chosen:
        image = load[str(names[drawn.case_id])](drawn.case_id)
        said = f"{drawn.target}, {drawn.version}: case {drawn.case_id}"
        path = folder / f"{_plain(drawn.version)}.{_plain(drawn.target)}.{_plain(drawn.case_id)}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(marks_png(image, drawn.spots, [said], _caption(plan, drawn), simulated))
        written[path] = f"{said}, {_counts(drawn)}"
    return written


def _sets(store: AuditStore, plan: Plan, given: Path | None) -> dict[str, ValidationSet]:
    """The audited sets as they stand here, by the name that their cases bear."""
    found = sets_today(store, plan, given)
    if found.absent:
        raise BadInput(f"validation set {', '.join(found.absent)}: not found here; name its folder with --sets.")
    bound, audited = read_lock(store).sets, {}
    for folder in found.folders.values():
        each = read_set(folder)
        if bound.get(each.name) != each.sha256:
            raise BadInput(f"{folder}: not the set that was audited (its digest differs); restore it, or give --sets.")
        audited[each.name] = each
    return audited


def _chosen(plan: Plan, tables: dict[str, pd.DataFrame], allowed: frozenset[str]) -> Iterator[_Drawn]:
    for version in plan.versions:
        for name, target in plan.targets.items():
            if target.task != "detection":
                continue
            point = target.operating_point_of(version)
            fates = _of(tables["dispositions"], version, name, allowed)
            analysed = frozenset(fates.loc[fates["fate"] == "analysed", "case_id"])
            lesions, marks, found = (_of(tables[t], version, name, analysed) for t in PLACED)
            threshold = point.threshold if point else float("-inf")
            yield from _first_of_each_kind(_all_drawn(version, name, lesions, marks, found, threshold))


def _of(table: pd.DataFrame, version: str, target: str, allowed: frozenset[str]) -> pd.DataFrame:
    mine = table[(table["target"] == target) & table["case_id"].isin(allowed)]
    return mine[mine["version"] == version] if "version" in mine else mine


def _all_drawn(
    version: str, target: str, lesions: pd.DataFrame, marks: pd.DataFrame, found: pd.DataFrame, threshold: float
) -> dict[str, _Drawn]:
    """Every case with a lesion or a mark, by case id."""
    drawn = {}
    for case, rows in found.groupby("case_id", sort=True):
        over = rows[rows["mark"].notna() & (rows["rating"] >= threshold)]
        hit = set(over.loc[over["outcome"] == "hit", "lesion"])
        spots = [
            _spot(lesion, "reference" if lesion["lesion"] in hit else "missed")
            for lesion in lesions[lesions["case_id"] == case].to_dict("records")
        ]
        places = marks[marks["case_id"] == case].set_index("mark").to_dict("index")
        spots += [_spot(places[r["mark"]], str(r["outcome"]), float(r["rating"])) for r in over.to_dict("records")]
        below = int(rows["mark"].notna().sum()) - len(over)
        drawn[str(case)] = _Drawn(version, target, str(case), tuple(spots), below)
    return drawn


def _spot(place: Mapping[Any, Any], kind: str, rating: float | None = None) -> Spot:
    sides = ("x", "y", "z", "width", "height", "depth")
    known = {name: float(place[name]) for name in sides if not pd.isna(place[name])}
    return Spot(kind, rating=rating, **known)


def _first_of_each_kind(drawn: dict[str, _Drawn]) -> Iterator[_Drawn]:
    taken: set[str] = set()
    for kind in KINDS:
        mine = [d for d in drawn.values() if d.case_id not in taken and any(s.kind == kind for s in d.spots)]
        for each in mine[:OF_EACH_KIND]:
            taken.add(each.case_id)
            yield each


def _caption(plan: Plan, drawn: _Drawn) -> str:
    point = plan.targets[drawn.target].operating_point_of(drawn.version)
    rated = f" rated {point.threshold:g} or more" if point else ""
    below = f" {drawn.below} below {'is' if drawn.below == 1 else 'are'} not drawn." if drawn.below else ""
    return (
        f"Solid: reference standard. Dashed or crossed: marks{rated}, with rating: hit (on a lesion), further (on a "
        "lesion that has its hit) or false. "
        f"Missed: a lesion without such a mark.{below}"
    )


def _counts(drawn: _Drawn) -> str:
    """'1 missed, 2 false, 0 hit'."""
    return ", ".join(f"{sum(s.kind == kind for s in drawn.spots)} {kind}" for kind in KINDS)


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)
