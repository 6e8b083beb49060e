"""Vendors, sites, subgroups: what the differences between groups amount to, analysis by analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import cite
from audit.dossier.comparison import questions
from audit.dossier.content import Column, Node, Paragraph, Row, Runs, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import number, undefined
from audit.dossier.view import ANALYSES, AuditView
from audit.dossier.words import attribute_label, quantity
from audit.tables import ALL, OVERALL

WITHOUT_MODEL = ("share", ALL)
SHOWN = 4
VERSIONS = ("candidate", "candidate - comparator", "set")
COLUMNS = (
    Column("Group", 2.0), Column("Quantity", 1.7), Column("Value", 0.75, "right"), Column("Interval", 1.35, "right"),
    Column("p", 0.6, "right"), Column("Reading", 2.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chapter:
    """One table: the quantities it prints of an analysis; ``only`` keeps verdicts that begin so, else says ``none``."""

    analysis: str
    caption: str
    quantities: tuple[str, ...] = ()
    only: str = ""
    none: str = ""


CHAPTERS = (
    Chapter("heterogeneity", "Heterogeneity between levels", ("Q", "chi-square", "I2", "prediction interval")),
    Chapter("contrasts", "Signals to follow up", ("signal",), "signal", "No attribute gave a signal after adjustment."),
    Chapter("contrasts", "Groups below a criterion of the whole set, whatever the adjustment", (), "below"),
    Chapter("worst_group", "The worst group, corrected for having searched", ("worst group",)),
    Chapter("equivalence", "No relevant difference (two one-sided tests)", ("difference",)),
    Chapter("case_mix", "Differences at equal case mix", ("adjusted difference",)),
    Chapter("leave_one_out", "Without each level in turn", ("change",)),
    Chapter("within_site", "Pooled and within-level AUROC", ("pooled minus within",)),
    Chapter(
        "threshold_transport", "Each level's own threshold against the locked one", ("own threshold minus locked",)
    ),
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
    return tuple(node for chapter in CHAPTERS for node in _chapter(view, chapter, rows))


def _asked(view: AuditView) -> list[dict[str, Any]]:
    """Rows of the candidate about measures that the plan sets a limit for, and rows that need no model."""
    frame = view.analyses.astype(object).where(view.analyses.notna(), None)
    claimed = {(each.measure, each.target) for each in questions(view)}
    return [
        {str(name): value for name, value in row.items()}
        for row in frame.to_dict("records")
        if row["version"] in VERSIONS
        and (row["measure"] in WITHOUT_MODEL or (row["measure"], row["target"]) in claimed)
    ]


def _chapter(view: AuditView, chapter: Chapter, rows: list[dict[str, Any]]) -> tuple[Node, ...]:
    mine = [row for row in rows if row["analysis"] == chapter.analysis]
    kept = [row for row in mine if _fits(row, chapter)]
    if not kept:
        return (Paragraph(text(chapter.none)),) if mine and chapter.none else ()
    reasons = {row["undefined"] for row in kept}
    if len(reasons) == 1 and None not in reasons and all(row["value"] is None for row in kept):
        first = cite(view, ANALYSES, pointer(kept[0]["analysis_id"], "undefined"), str(kept[0]["undefined"]))
        return (Paragraph((*text(f"{chapter.caption}: undefined, "), first, Text("."))),)
    printed: list[Row] = []
    for heading in dict.fromkeys(_heading(view, row) for row in kept):
        printed.append(Row((text(heading, "strong"),), (len(COLUMNS),), kind="group"))
        printed += [_row(view, row) for row in kept if _heading(view, row) == heading]
    return (Table(chapter.caption, COLUMNS, tuple(printed), text(_methods(kept))),)


def _fits(row: Mapping[str, Any], chapter: Chapter) -> bool:
    return (not chapter.quantities or row["quantity"] in chapter.quantities) and (
        not chapter.only or (row["verdict"] or "").startswith(chapter.only)
    )


def _heading(view: AuditView, row: Mapping[str, Any]) -> str:
    if row["measure"] in WITHOUT_MODEL:
        return attribute_label(row["attribute"])
    return f"{quantity(view, row['measure'], row['target'])}, by {attribute_label(row['attribute'])}"


def _row(view: AuditView, row: Mapping[str, Any]) -> Row:
    group = "all levels" if row["level"] == ALL or row["attribute"] == OVERALL else str(row["level"])
    head = (text(group), text(str(row["quantity"])))
    reading: Runs = (_cell(view, row, "verdict", row["verdict"]),) if row["verdict"] else text("–", "quiet")
    if row["value"] is None:
        return Row((*head, (_cell(view, row, "undefined", undefined(row["undefined"] or "no value")),)), (1, 1, 4))
    return Row((*head, (_number(view, row, "value"),), limits_of(view, row), _p(view, row), reading))


def limits_of(view: AuditView, row: Mapping[str, Any]) -> Runs:
    """The interval of a row of ANALYSES in brackets, or a dash."""
    if row["low"] is None or row["high"] is None:
        return text("–", "quiet")
    return (Text("["), _number(view, row, "low"), Text(" to "), _number(view, row, "high"), Text("]"))


def _p(view: AuditView, row: Mapping[str, Any]) -> Runs:
    return p_of(view, row, "p" if row["p_adjusted"] is None else "p_adjusted")


def p_of(view: AuditView, row: Mapping[str, Any], name: str) -> Runs:
    """A p value of a row of ANALYSES, or a dash."""
    if row[name] is None:
        return text("–", "quiet")
    value = float(row[name])
    return (_cell(view, row, name, "<0.001" if value < 0.001 else f"{value:.3f}"),)


def _number(view: AuditView, row: Mapping[str, Any], column: str) -> Any:
    return _cell(view, row, column, number(float(row[column])))


def _cell(view: AuditView, row: Mapping[str, Any], column: str, words: str) -> Any:
    return cite(view, ANALYSES, pointer(row["analysis_id"], column), words)


def _methods(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(str(row["method"]).partition(";")[0] for row in rows if row["method"]))
    more = f"; and {len(names) - SHOWN} more, in the evidence" if len(names) > SHOWN else ""
    return (
        f"Methods: {'; '.join(names[:SHOWN])}{more}. Where p is adjusted, the adjusted value stands." if names else ""
    )


ENTRY = Block("analyses", NoParameters, _build)
