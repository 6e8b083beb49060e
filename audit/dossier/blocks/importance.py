"""What goes with the model's errors: SHAP importance of recorded case features, with intervals."""

from __future__ import annotations

from typing import Any

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import cite
from audit.dossier.content import Bar, BarPlot, Node, Paragraph, Run, Runs, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import number, undefined, whole
from audit.dossier.view import IMPORTANCE, AuditView
from audit.dossier.words import feature_label, version_label

SHOWN = 24
NOT_USABLE = "not usable"
WORDS = (
    "Surrogates predict the model's misses, false alarms and score from recorded case features and from features of "
    "the pixels; each bar is a feature's mean absolute contribution. They show association, not cause. How well a "
    "surrogate predicts unseen patients stands under it; below the plan's least fidelity no importance is printed."
)


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    if len(view.importance) == 0:
        return nothing("Importance of case features: not assessed, the plan names no features.")
    frame = view.importance.astype(object).where(view.importance.notna(), None)
    nodes: list[Node] = [Paragraph(text(WORDS))]
    for key, group in frame.groupby(["version", "target", "outcome"], sort=False):
        nodes += _plot(view, [str(each) for each in key], group.to_dict("records"))
    return tuple(nodes)


def _plot(view: AuditView, key: list[str], rows: list[dict[Any, Any]]) -> list[Node]:
    version, target, outcome = key
    title = f"{outcome[:1].upper()}{outcome[1:]} of {version_label(view, version)}, {target.replace('_', ' ')}"
    ordered = sorted(rows, key=lambda row: (row["value"] is None, -(row["value"] or 0.0)))
    if all(row["value"] is None for row in rows) and len({row["undefined"] for row in rows}) == 1:
        return [
            Paragraph((*text(f"{title}: ", "strong"), *_printed(view, ordered[0]), Text(". "))),
            _fidelity(view, ordered[0], ""),
        ]
    if ordered[0].get("usable") == NOT_USABLE:
        words = " The surrogate is not usable: its fidelity lies below the plan's least. Importances are not printed."
        return [Paragraph(text(title, "strong")), _fidelity(view, ordered[0], words)]
    alt = f"Bars: importance of {len(rows)} case features for {outcome}, with confidence limits."
    bars = tuple(_bar(view, row) for row in ordered[:SHOWN])
    rest = len(ordered) - SHOWN
    words = f" {rest} features of least importance stand in the evidence only." if rest > 0 else ""
    unit = "units of the score" if outcome == "score" else "probability points"
    plot = BarPlot(title, alt, f"Mean absolute SHAP value, {unit}", bars)
    return [plot, _fidelity(view, ordered[0], words)]


def _bar(view: AuditView, row: dict[Any, Any]) -> Bar:
    name = str(row["feature"])
    remark = str(row["direction"] or "").replace(name, feature_label(name).partition(" (")[0])
    return Bar(feature_label(name), row["value"], row["low"], row["high"], _printed(view, row), remark)


def _printed(view: AuditView, row: dict[Any, Any]) -> Runs:
    def cell(column: str, words: str) -> Any:
        return cite(view, IMPORTANCE, pointer(row["importance_id"], column), words)

    if row["value"] is None:
        return (cell("undefined", undefined(row["undefined"] or "no value")),)
    value = cell("value", number(float(row["value"])))
    if row["low"] is None or row["high"] is None:
        return (value,)
    low, high = cell("low", number(float(row["low"]))), cell("high", number(float(row["high"])))
    return (value, Text("\u00a0["), low, Text(" to "), high, Text("]"))


def _fidelity(view: AuditView, row: dict[Any, Any], words: str) -> Paragraph:
    here = row["importance_id"]
    errors = cite(view, IMPORTANCE, pointer(here, "n_errors"), whole(int(row["n_errors"])))
    cases = cite(view, IMPORTANCE, pointer(here, "n_cases"), whole(int(row["n_cases"])))
    runs: Runs = (Text("Errors: "), errors, Text(" among "), cases, Text(" cases."))
    if row["outcome"] == "score":
        runs = (Text("Cases: "), cases, Text("."))
    if row["fidelity"] is not None:
        measure = row.get("fidelity_measure") or "AUROC"
        runs = (*runs, Text(f" Fidelity of the surrogate (out-of-fold {measure}): "), *_quality(view, row), Text("."))
    return Paragraph((*runs, *text(words)), "note")


def _quality(view: AuditView, row: dict[Any, Any]) -> Runs:
    def cell(column: str) -> Run:
        return cite(view, IMPORTANCE, pointer(row["importance_id"], column), number(float(row[column])))

    runs: Runs = (cell("fidelity"),)
    if row.get("fidelity_low") is not None and row.get("fidelity_high") is not None:
        runs = (*runs, Text(" ["), cell("fidelity_low"), Text(" to "), cell("fidelity_high"), Text("]"))
    if row.get("usable"):
        usable = cite(view, IMPORTANCE, pointer(row["importance_id"], "usable"), str(row["usable"]))
        runs = (*runs, Text(", "), usable, Text("; least "), cell("least_fidelity"))
    return runs


ENTRY = Block("importance", NoParameters, _build)
