"""What ``audit verify`` says about a Word document that came back edited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from audit.dossier.word_reading import Reworded, edited_values, numbers_of, read_word, reworded
from audit.evidence.difference import Difference
from audit.evidence.store import AuditStore

SHOWN = 160


def diagnose_word(store: AuditStore, document: str, path: Path) -> tuple[Difference, ...]:
    """Compares ``path`` with the delivered ``document`` (its name in the audit): results, then prose, then numbers that
    only the edited prose has. Raises ``BadInput`` where ``path`` is no Word document."""
    delivered = read_word(store.read_bytes(document), document)
    found = read_word(path.read_bytes(), str(path))
    values = json.loads(store.read_bytes(f"{document.removesuffix('.docx')}.json"))["values"]
    passages = reworded(delivered, found)
    results = (
        Difference(
            f"{path.name}: {values[one.index]['reference']}",
            one.delivered,
            one.found or "no result",
            "A result was edited; results come from the evidence alone: restore it, or build the document again.",
        )
        for one in edited_values(delivered, found)
    )
    return (*results, *prose_differences(path.name, passages), *_unbound(path.name, passages))


def prose_differences(name: str, passages: list[Reworded]) -> Iterator[Difference]:
    """One difference for each passage of prose that was edited."""
    for each in passages:
        what = "Prose was edited: declare it with author and date in device.yaml, and build the document again."
        yield Difference(f"{name}: prose", _short(each.delivered), _short(each.found), what)


def _unbound(name: str, passages: list[Reworded]) -> Iterator[Difference]:
    for number in dict.fromkeys(numbers_of(passages)):
        what = "The edited prose holds a number that no evidence stands behind."
        yield Difference(f"{name}: number {number}", "a result bound to evidence", "typed by hand", what)


def _short(words: str) -> str:
    plain = " ".join(words.split())
    return (plain[:SHOWN] + "…" if len(plain) > SHOWN else plain) or "nothing"
