"""Every case accounted for: from the set to the analysis, by version and target; each line adds up."""

from __future__ import annotations

import pandas as pd

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import count, tally
from audit.dossier.content import Column, FlowChart, FlowStep, Node, Row, Runs, Table, Text, text
from audit.dossier.view import CASES, DISPOSITIONS, AuditView
from audit.dossier.words import version_label
from audit.tables import FATES

NAMED = 4
LEFT = tuple(fate for fate in FATES if fate != "analysed")


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    if len(view.dispositions) == 0:
        return nothing("No case flow stands in the evidence.")
    target = next(iter(view.plan.targets))
    return (_chart(view, target), _table(view), *_reasons(view))


def _chart(view: AuditView, target: str) -> FlowChart:
    own = {"version": "candidate", "target": target}
    out = tuple((fate, (count(view, DISPOSITIONS, **own, fate=fate),)) for fate in LEFT)
    steps = (
        FlowStep("Cases in the set", (count(view, CASES),)),
        FlowStep("Considered", (count(view, DISPOSITIONS, **own),), out),
        FlowStep("Analysed", (count(view, DISPOSITIONS, **own, fate="analysed"),)),
    )
    caption = f"Case flow of {version_label(view, 'candidate')}, {target.replace('_', ' ')}"
    words = "Cases in the set, those excluded, rejected, failed or equivocal, and those analysed."
    return FlowChart(caption, words, steps)


def _table(view: AuditView) -> Table:
    columns = (
        Column("Version, target", 2.6), Column("All", 0.8, "right"),
        *(Column(fate.capitalize(), 0.95, "right") for fate in (*LEFT, "analysed")),
    )  # fmt: skip
    rows = []
    pairs = view.dispositions[["version", "target"]].drop_duplicates().itertuples(index=False)
    for version, target in pairs:
        own = {"version": str(version), "target": str(target)}
        numbers: list[Runs] = [(count(view, DISPOSITIONS, **own, fate=fate),) for fate in (*LEFT, "analysed")]
        label = f"{version_label(view, str(version))}, {str(target).replace('_', ' ')}"
        rows.append(Row((text(label), (count(view, DISPOSITIONS, **own),), *numbers)))
    note = text("In each line excluded, rejected, failed, equivocal and analysed cases add up to all cases.")
    return Table("Case flow by version and target", columns, tuple(rows), note)


def _reasons(view: AuditView) -> tuple[Node, ...]:
    lost = view.dispositions[view.dispositions["fate"] != "analysed"]
    if len(lost) == 0:
        return ()
    rows = []
    for key, frame in lost.groupby(["version", "fate", "reason"], dropna=False, sort=True):
        version, fate, reason = (str(each) for each in key)
        where = {"version": version, "fate": fate, "reason": "" if frame["reason"].isna().all() else reason}
        words = (reason if where["reason"] else "no reason recorded") + _named(frame)
        rows.append(
            Row((text(version_label(view, version)), (Text(fate),), text(words), (tally(view, DISPOSITIONS, where),)))
        )
    columns = (
        Column("Version", 1.4),
        Column("Fate", 0.8),
        Column("Reason", 3.4),
        Column("Cases × targets", 0.9, "right"),
    )
    return (Table("Why cases did not reach the analysis", columns, tuple(rows)),)


def _named(lost: pd.DataFrame) -> str:
    """The cases by name where they are few enough to be looked up one by one."""
    cases = sorted(set(lost["case_id"].astype(str)))
    return f" ({', '.join(cases)})" if len(cases) <= NAMED and set(lost["fate"]) != {"excluded"} else ""


ENTRY = Block("case_flow", NoParameters, _build)
