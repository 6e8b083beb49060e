"""The rationale of an explained case as runs: each phrase bound to its row, which names where its fact stands."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from audit.dossier.citing import cite
from audit.dossier.content import Run, Runs, Text
from audit.dossier.pointers import pointer
from audit.dossier.view import RATIONALES, AuditView


def rationale_of(view: AuditView, row: dict[Any, Any]) -> Runs:
    """The rationale of the case in ``row`` of EXPLANATIONS, with the phrases about its method; empty where none stands
    in the evidence."""
    table = view.rationales
    if not len(table):
        return ()
    for name in ("version", "case_id", "target"):
        table = table[table[name] == row[name]]
    mine = table[table["method"].isna() | (table["method"] == row["method"])].sort_values(["sentence", "place"])
    runs: list[Run] = []
    for _, phrases in groupby(mine.to_dict("records"), key=lambda each: each["sentence"]):
        for number, phrase in enumerate(phrases):
            words = str(phrase["phrase"])
            words = words if number else words[:1].upper() + words[1:]
            runs += [Text(", ")] if number else []
            runs.append(cite(view, RATIONALES, pointer(phrase["rationale_id"], "phrase"), words))
        runs.append(Text(". "))
    return tuple(runs)
