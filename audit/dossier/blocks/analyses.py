"""Vendors, sites, subgroups: what the differences between groups amount to, analysis by analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.dossier.analysis_cells import cell_of, limits_of, number_of, p_of
from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.blocks.heterogeneity import heterogeneity_table
from audit.dossier.citing import cite
from audit.dossier.comparison import questions
from audit.dossier.content import Column, Node, Paragraph, Row, Run, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import undefined, whole
from audit.dossier.view import ANALYSES, AuditView
from audit.dossier.words import attribute_label, level_label, quantity
from audit.tables import ALL, OVERALL

WITHOUT_MODEL = ("share", ALL)
SHOWN = 4
VERSIONS = ("candidate", "candidate - comparator", "set", ALL)
GROUP, QUANTITY, VALUE = Column("Group", 2.4), Column("Quantity", 1.7), Column("Value", 0.75, "right")
INTERVAL, P, READING = Column("Interval", 1.35, "right"), Column("p", 0.65, "right"), Column("Reading", 2.3)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One table: the quantities it prints of an analysis; ``only`` keeps verdicts that begin so, else says ``none``."""

    analysis: str
    caption: str
    quantities: tuple[str, ...] = ()
    only: str = ""
    none: str = ""


CHAPTERS = (
    Chapter("contrasts", "Signals to follow up", ("signal",), "signal", "No attribute gave a signal after adjustment."),
    Chapter("contrasts", "Each level against the rest, intervals that hold together", ("difference from the rest",)),
    Chapter("contrasts", "Groups below a criterion of the whole set, whatever the adjustment", (), "below"),
    Chapter("gap", "Largest minus smallest level, with the p of equal levels", ("gap",)),
    Chapter("worst_group", "The worst group, corrected for having searched", ("worst group",)),
    Chapter("equivalence", "No relevant difference (two one-sided tests)", ("difference",)),
    Chapter("case_mix", "Differences at equal case mix", ("adjusted difference",)),
    Chapter("leave_one_out", "Change without each level in turn", ("change",)),
    Chapter("within_site", "Pooled minus within-level AUROC", ("pooled minus within",)),
    Chapter("threshold_transport", "Each level's own threshold minus the locked one", ("own threshold minus locked",)),
    Chapter(
        "simpson",
        "Directions that reverse within strata",
        (),
        "directions disagree",
        "No difference between groups reverses within strata.",
    ),
    Chapter("aliasing", "Attributes that cannot be told apart"),
    Chapter("representativeness", "The set against the declared target population", ("standardised difference",)),
)


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    if len(view.analyses) == 0:
        return nothing("Analyses of groups: none stand in the evidence.")
    rows = _asked(view)
    chapters = tuple(node for chapter in CHAPTERS for node in _chapter(view, chapter, rows))
    return (*heterogeneity_table(view, rows), *_looks(view), *chapters)


def _asked(view: AuditView) -> list[Mapping[str, Any]]:
    """Rows of the candidate about measures that the plan sets a limit for, and rows that need no model."""
    claimed = {(each.measure, each.target) for each in questions(view)}
    return [
        row
        for row in view.analysis_rows
        if row["version"] in VERSIONS
        and (row["measure"] in WITHOUT_MODEL or (row["measure"], row["target"]) in claimed)
    ]


def _looks(view: AuditView) -> tuple[Node, ...]:
    """How often the data were looked at: printed whatever was found."""
    rows = [row for row in view.analysis_rows if row["quantity"] == "looks" and row["version"] == "candidate"]
    return tuple(
        Paragraph(
            (
                Text("Looks at differences between groups, over all targets and measures: "),
                cite(view, ANALYSES, pointer(row["analysis_id"], "value"), whole(int(row["value"]))),
                Text(" ("),
                cell_of(view, row, "method", str(row["method"])),
                Text(")."),
            )
        )
        for row in rows
        if row["value"] is not None
    )


def _chapter(view: AuditView, chapter: Chapter, rows: list[Mapping[str, Any]]) -> tuple[Node, ...]:
    mine = [row for row in rows if row["analysis"] == chapter.analysis]
    if mine and all(row["value"] is None for row in mine):
        return (_nothing_found(view, chapter, mine),)
    kept = [row for row in mine if _fits(row, chapter)]
    if not kept:
        return (Paragraph(text(chapter.none)),) if mine and chapter.none else ()
    columns = _columns(kept)
    printed: list[Row] = []
    for heading in dict.fromkeys(_heading(view, row) for row in kept):
        printed.append(Row((text(heading, "strong"),), (len(columns),), kind="group"))
        printed += [_row(view, row, columns) for row in kept if _heading(view, row) == heading]
    return (Table(chapter.caption, columns, tuple(printed), text(_methods(kept))),)


def _nothing_found(view: AuditView, chapter: Chapter, rows: list[Mapping[str, Any]]) -> Paragraph:
    """Why the question has no answer, once for each reason."""
    by_reason = {str(row["undefined"]): row for row in reversed(rows)}
    stems: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for reason, row in reversed(by_reason.items()):
        stem, _, last = reason.rpartition(" ")
        stems.setdefault(stem, []).append((last, row))
    runs: list[Run] = [Text(f"{chapter.caption}: ")]
    for stem, alike in stems.items():
        runs += [*_reason(view, stem, alike), Text("; ")]
    return Paragraph((*runs[:-1], Text(".")))


def _reason(view: AuditView, stem: str, alike: list[tuple[str, Mapping[str, Any]]]) -> Runs:
    """Reasons that differ in their last word alone are said once: 'no margin for manufacturer, sex or site'."""
    (last, first), *others = alike
    reason = f"{stem} {last}".lstrip()
    words = reason if reason.startswith("not assessed") else undefined(reason)
    more = [each.replace("_", " ") for each, _ in others]
    listed = ", ".join(more[:-1]), *more[-1:]
    rest = f"{f', {listed[0]}' if listed[0] else ''} or {listed[-1]}" if more else ""
    return (cell_of(view, first, "undefined", words), *text(rest))


def _fits(row: Mapping[str, Any], chapter: Chapter) -> bool:
    return (not chapter.quantities or row["quantity"] in chapter.quantities) and (
        not chapter.only or (row["verdict"] or "").startswith(chapter.only)
    )


def _columns(rows: list[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Only the columns in which something stands."""
    several = len({row["quantity"] for row in rows}) > 1
    optional = (
        (INTERVAL, any(row["low"] is not None for row in rows)),
        (P, any(row["p"] is not None or row["p_adjusted"] is not None for row in rows)),
        (READING, any(row["verdict"] for row in rows)),
    )
    return (GROUP, *((QUANTITY,) if several else ()), VALUE, *(column for column, needed in optional if needed))


def _heading(view: AuditView, row: Mapping[str, Any]) -> str:
    if row["measure"] in WITHOUT_MODEL:
        return attribute_label(row["attribute"])
    return quantity(view, row["measure"], row["target"])


def _group(row: Mapping[str, Any]) -> str:
    """'view: AP'; the attribute alone for a statement about all its levels."""
    attribute = attribute_label(row["attribute"])
    if row["level"] == ALL or row["attribute"] == OVERALL:
        return "all levels" if row["measure"] in WITHOUT_MODEL else attribute
    level = level_label(str(row["level"]))
    return level if row["measure"] in WITHOUT_MODEL else f"{attribute}: {level}"


def _row(view: AuditView, row: Mapping[str, Any], columns: tuple[Column, ...]) -> Row:
    head = [text(_group(row)), *([text(str(row["quantity"]))] if QUANTITY in columns else [])]
    if row["value"] is None:
        reason = (cell_of(view, row, "undefined", undefined(row["undefined"] or "no value")),)
        return Row((*head, reason), (*(1 for _ in head), len(columns) - len(head)))
    verdict: Runs = (cell_of(view, row, "verdict", row["verdict"]),) if row["verdict"] else text("–", "quiet")
    cells = {
        VALUE: (number_of(view, row, "value"),),
        INTERVAL: limits_of(view, row),
        P: _p(view, row),
        READING: verdict,
    }
    return Row((*head, *(cells[column] for column in columns if column in cells)))


def _p(view: AuditView, row: Mapping[str, Any]) -> Runs:
    return p_of(view, row, "p" if row["p_adjusted"] is None else "p_adjusted")


def _methods(rows: list[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(str(row["method"]).partition(";")[0] for row in rows if row["method"]))
    more = f"; and {len(names) - SHOWN} more, in the evidence" if len(names) > SHOWN else ""
    return (
        f"Methods: {'; '.join(names[:SHOWN])}{more}. Where p is adjusted, the adjusted value stands." if names else ""
    )


ENTRY = Block("analyses", NoParameters, _build)
