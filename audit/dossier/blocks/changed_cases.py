"""Cases that candidate and comparator decided otherwise, one by one: what was lost and gained, and whose images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from audit.decision_tables import outcome
from audit.dossier.analysis_cells import cell_of, number_of
from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.changed import GAINED, LISTED, LOST, RULE, SIDES, changed_cases, compared_targets
from audit.dossier.citing import cite
from audit.dossier.content import Column, Node, Paragraph, Row, Run, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import number, whole
from audit.dossier.view import CASES, MAP_AGREEMENT, OBSERVATIONS, AuditView
from audit.dossier.words import version_label
from audit.tables import OVERALL, UNKNOWN, stratum_column

MAKER = stratum_column("manufacturer")
NOTE = f"{RULE} Of each version: score, decision. Reference and decision: 1 positive, 0 negative."
MAPS = " Maps: correlation of both versions' attribution over a grid, where the case was drawn to be explained."
QUANTITIES = {LOST: "right to wrong", GAINED: "wrong to right"}
Changed = dict[Any, Any]


def _build(view: AuditView, given: NoParameters) -> tuple[Node, ...]:  # noqa: ARG001
    targets = compared_targets(view.plan)
    if not targets:
        return nothing("Cases decided otherwise: not assessed, there is no comparator with a decision.")
    return tuple(node for target in targets for node in _target(view, target))


def _target(view: AuditView, target: str) -> Iterator[Node]:
    changed = changed_cases(view.observations, view.dispositions, target)
    yield Paragraph(_counts(view, target, changed))
    listed = changed[:LISTED]
    shown = listed[~listed["case_id"].isin(view.hidden)].to_dict("records")
    if shown:
        maps = _maps(view, target, {str(row["case_id"]) for row in shown})
        rows = tuple(Row(tuple(_cells(view, row, maps))) for row in shown)
        title = f"Cases decided otherwise: {target.replace('_', ' ')}"
        yield Table(title, tuple(_columns(view, bool(maps))), rows, text(NOTE + (MAPS if maps else "")))
    if len(listed) > len(shown):
        words = (
            f"{len(listed) - len(shown)} of these cases are not named: their set is sequestered, and output of single "
            "cases is for the assessment role. Each showing is an access to the set."
        )
        yield Paragraph(text(words), "note")


def _counts(view: AuditView, target: str, changed: pd.DataFrame) -> Runs:
    """How many cases were lost and gained, with their shares as the analysis has them, and how many are listed."""
    names = " instead of ".join(version_label(view, side) for side in SIDES)
    runs: list[Run] = [Text(f"{target.replace('_', ' ').capitalize()}, {names}: ", "strong")]
    for way, join in ((LOST, " lost"), (GAINED, " gained")):
        runs += [Text(", " if way == GAINED else ""), Text(whole(int((changed["way"] == way).sum())) + join)]
        runs += _share(view, target, QUANTITIES[way])
    rest = len(changed) - LISTED
    end = f". The first {LISTED} are listed, {whole(rest)} are not." if rest > 0 else "."
    return (*runs, Text(end))


def _share(view: AuditView, target: str, quantity: str) -> Iterator[Run]:
    wanted = {"analysis": "changed_decisions", "measure": "accuracy", "attribute": OVERALL}
    wanted |= {"target": target, "quantity": quantity}
    for row in view.analysis_rows:
        if row["value"] is not None and all(row[name] == value for name, value in wanted.items()):
            yield from (Text(" ("), number_of(view, row, "value"), Text(" of "))
            yield from (cell_of(view, row, "n_cases", whole(int(row["n_cases"]))), Text(" cases)"))


def _columns(view: AuditView, maps: bool) -> Iterator[Column]:
    yield Column("Case", 1.6)
    if MAKER in view.cases:
        yield Column("Manufacturer", 1.5)
    yield Column("Reference", 1.1, "right")
    yield from (Column(side.capitalize(), 1.2, "right") for side in SIDES)
    yield Column("Change", 2.0)
    if maps:
        yield Column("Maps", 1.6)


def _cells(view: AuditView, row: Changed, maps: dict[str, Runs]) -> Iterator[Runs]:
    yield text(str(row["case_id"]))
    if MAKER in view.cases:
        yield (_maker(view, row),)
    yield (_observed(view, row["candidate"], "reference"),)
    for side in SIDES:
        yield (_observed(view, row[side], "score"), Text(", "), _observed(view, row[side], "decision"))
    decision = view.observations["decision"].iloc[row["candidate"]]
    yield text(f"{row['way']}: {outcome(float(row['reference']), float(decision))}")
    if maps:
        yield maps.get(str(row["case_id"]), text("–", "quiet"))


def _observed(view: AuditView, place: int, column: str) -> Run:
    value = view.observations[column].iloc[place]
    if pd.isna(value):
        return Text("–", "quiet")
    words = number(float(value)) if column == "score" else whole(int(value))
    return cite(view, OBSERVATIONS, pointer("rows", place, column), words)


def _maker(view: AuditView, row: Changed) -> Run:
    place = view.cases["case_id"].astype(str).tolist().index(str(row["case_id"]))
    level = view.cases[MAKER].iloc[place]
    if pd.isna(level) or level == UNKNOWN:
        return Text("not recorded", "quiet")
    return cite(view, CASES, pointer("rows", place, MAKER), str(level))


def _maps(view: AuditView, target: str, cases: set[str]) -> dict[str, Runs]:
    """Case id -> agreement of both versions' maps, method by method."""
    found: dict[str, tuple[Run, ...]] = {}
    known = view.map_agreement
    for row in known[known["agreement"].notna()].to_dict("records") if len(known) else ():
        case = str(row["case_id"])
        if row["target"] == target and case in cases:
            value = cite(view, MAP_AGREEMENT, pointer(row["agreement_id"], "agreement"), number(row["agreement"]))
            start = "; " if case in found else ""
            found[case] = (*found.get(case, ()), Text(f"{start}{row['method'].replace('_', ' ')} "), value)
    return found


ENTRY = Block("changed_cases", NoParameters, _build, single_cases=True)
