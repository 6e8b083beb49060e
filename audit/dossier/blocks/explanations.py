"""Explained cases: each overlay with its measured facts in words; cases without an explanation say why."""

from __future__ import annotations

from typing import Any

from audit.decision_tables import outcome
from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.citing import cite, fact
from audit.dossier.content import Node, Paragraph, Picture, Run, Runs, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rationale import rationale_of
from audit.dossier.rounding import number
from audit.dossier.view import EXPLANATIONS, PLAN, AuditView
from audit.dossier.words import attribute_label, version_label
from audit.records import BadInput
from audit.tables import OVERALL


class ExplanationParameters(Parameters):
    """``at_most`` pictures per version and method, in the order drawn by the plan's rule."""

    at_most: int = 200


INTRODUCTION = (
    "Cases were drawn by the plan's rule before inference, not chosen from results. "
    "Attribution maps show where the output is sensitive; they do not prove a cause. "
    "Beside each map stands the share of attribution inside the reference mask, "
    "and the share of the image that the mask covers, which is what chance would give."
)


NOT_USABLE = "NOT USABLE: this method's maps of this version do not meet the plan's criteria; do not rely on this map."
FAILS = (
    "NOT USABLE, FAILS ITS SANITY CHECK: the map stays alike when the network's weights are random; "
    "do not rely on this map."
)
CARE = "WITH CARE: not every criterion of the plan is shown to be met; do not rely on this map alone."


def _build(view: AuditView, given: ExplanationParameters) -> tuple[Node, ...]:
    if len(view.explanations) == 0:
        why = "recorded predictions" if view.recorded_predictions else "the plan asks for none"
        return nothing(f"Explanations by image: not assessed: {why}.")
    frame = view.explanations.astype(object).where(view.explanations.notna(), None)
    taken: dict[tuple[str, str], int] = {}
    nodes: list[Node] = [Paragraph(text(INTRODUCTION)), *_drawn_after(view), *_withheld(view)]
    for index, row in enumerate(frame.to_dict("records")):
        if row["case_id"] in view.hidden:
            continue
        key = (str(row["version"]), str(row["method"]))
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= given.at_most:
            nodes.append(_case(view, index, row))
    return tuple(nodes)


def _drawn_after(view: AuditView) -> tuple[Node, ...]:
    """By which rule cases were drawn for their decisions; nothing where none was."""
    if not len(view.explanations) or not view.explanations["drawn_as"].notna().any():
        return ()
    assert view.plan.explanations is not None
    rule = view.plan.explanations.cases
    more = fact(view, PLAN, "explanations", "cases", "per_decision")
    start = "Further cases were drawn after inference by the plan's rule, to show right and wrong decisions: "
    each = "the whole set" if rule.attribute == OVERALL else f"each {attribute_label(rule.attribute)}"
    end = (
        f" of {each} and each kind of the candidate's decisions at most, by the hash of seed and case. They enter no "
        "score, no mean and no verdict."
    )
    return (Paragraph((Text(start), more, Text(end))),)


def _withheld(view: AuditView) -> tuple[Node, ...]:
    hidden = set(view.explanations["case_id"]) & view.hidden
    if not hidden:
        return ()
    words = (
        f"{len(hidden)} explained cases are not shown: their set is sequestered, and output of single cases is "
        "for the assessment role. Each showing is an access to the set."
    )
    return (Paragraph(text(words), "note"),)


def _case(view: AuditView, index: int, row: dict[Any, Any]) -> Node:
    title = f"Case {row['case_id']}, {version_label(view, row['version'])}, {row['method'].replace('_', ' ')}"
    title += _decision(view, row)
    if row["overlay"] is None or row["overlay"] not in view.pictures:
        reason = row["error"] or "its picture is not in the evidence"
        return Paragraph((Text(f"{title}: ", "strong"), _cell(view, index, "error", f"undefined: {reason}")), "note")
    if not view.pictures[row["overlay"]].startswith(b"\x89PNG"):
        raise BadInput(
            f"{row['overlay']}: expected a PNG overlay; the stored file is something else; run 'audit verify'."
        )
    told = rationale_of(view, row) or (text(row["text"] + " ") if row["text"] else ())
    words: Runs = (*_mark(view, row), *told, *_facts(view, index, row))
    alt = f"Original image and attribution overlay of case {row['case_id']}"
    return Picture(
        view.shown.get(row["overlay"], row["overlay"]), view.pictures[row["overlay"]], alt, text(title, "strong"), words
    )


def _decision(view: AuditView, row: dict[Any, Any]) -> str:
    """': false negative' for a version's decision on this target; ', drawn by its decision' where it was."""
    seen = view.observations
    for name in ("version", "case_id", "target"):
        seen = seen[seen[name] == row[name]]
    seen = seen[seen["reference"].notna() & seen["decision"].notna()]
    words = f": {outcome(float(seen['reference'].iloc[0]), float(seen['decision'].iloc[0]))}" if len(seen) else ""
    return f"{words} (drawn by decision)" if row.get("drawn_as") else words


def _mark(view: AuditView, row: dict[Any, Any]) -> Runs:
    """What stands before the words of a map that must not be trusted."""
    verdict, sanity = view.map_verdict(row["version"], row["target"], row["method"]) or ("", "")
    if sanity == "not passed":
        return (Text(FAILS, "strong"), Text(" "))
    words = {"not usable": NOT_USABLE, "with care": CARE}.get(verdict)
    return (Text(words, "strong"), Text(" ")) if words else ()


def _facts(view: AuditView, index: int, row: dict[Any, Any]) -> Runs:
    facts: list[Run] = []
    for column, words in (
        ("energy_inside", "Attribution inside the reference mask "),
        ("area_inside", "; area of the mask "),
        ("completeness_error", "; completeness error "),
    ):
        if row[column] is not None:
            start = words if facts else words.removeprefix("; ").capitalize()
            facts += [Text(start), _cell(view, index, column, number(float(row[column])))]
    if row["layer"]:
        facts += [Text(f"; layer {row['layer']}" if facts else f"Layer {row['layer']}")]
    return (*facts, Text(".")) if facts else ()


def _cell(view: AuditView, index: int, column: str, words: str) -> Run:
    return cite(view, EXPLANATIONS, pointer("rows", index, column), words)


ENTRY = Block("explanations", ExplanationParameters, _build, single_cases=True)
