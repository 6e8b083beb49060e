"""What ``audit verify`` says about a Word document that came back edited."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from audit.dossier.prose import words_of
from audit.dossier.word_reading import Reworded, WordText, edited_values, numbers_of, read_word, reread, reworded
from audit.evidence.difference import Difference
from audit.evidence.store import AuditStore

SHOWN = 160


def diagnose_word(store: AuditStore, document: str, path: Path) -> tuple[Difference, ...]:
    """Compares ``path`` with the delivered ``document`` (its name in the audit): results, the template's words,
    declared texts, then numbers that only edited words have. Raises ``BadInput`` where ``path`` is no Word document."""
    delivered = read_word(store.read_bytes(document), document)
    found = read_word(path.read_bytes(), str(path))
    values = json.loads(store.read_bytes(f"{document.removesuffix('.docx')}.json"))["values"]
    declared = tuple(_declared(path.name, delivered, found))
    results, fixed = (
        result_differences(path.name, values, delivered, found),
        fixed_differences(path.name, delivered, found),
    )
    return (
        *results,
        *fixed,
        *declared,
        *_unbound(path.name, [*reworded(delivered, found), *_edited(delivered, found)]),
    )


def result_differences(
    name: str, values: Sequence[Mapping[str, str]], delivered: WordText, found: WordText
) -> Iterator[Difference]:
    """One difference for each result that was changed or taken out; ``values`` are the document's."""
    for one in edited_values(delivered, found):
        what = "A result was edited; results come from the evidence alone: restore it, or build the document again."
        yield Difference(f"{name}: {values[one.index]['reference']}", one.delivered, one.found or "no result", what)


def fixed_differences(name: str, delivered: WordText, found: WordText) -> Iterator[Difference]:
    """One difference for each passage outside of results and declared texts that was edited, added or taken out."""
    for each in reworded(delivered, found):
        done = "edited" if each.delivered and each.found else "added" if each.found else "taken out"
        what = (
            f"Words of the template were {done}; restore them: the manufacturer's own words stand in declared texts, "
            "which 'audit handback' takes over."
        )
        yield Difference(f"{name}: prose", _short(each.delivered), _short(each.found), what)


def _declared(name: str, delivered: WordText, found: WordText) -> Iterator[Difference]:
    for each in _edited(delivered, found):
        what = f"A declared text was edited: 'audit handback {name} --by NAME' takes it over, then build again."
        yield Difference(f"{name}: declared text", _short(each.delivered), _short(each.found), what)


def _edited(delivered: WordText, found: WordText) -> list[Reworded]:
    """The declared texts that differ, before and after."""
    before = {each.index: words_of(each.parts) for each in reversed(delivered.declared)}
    new = reread(delivered, found)
    return [Reworded(before[index], words_of(parts)) for index, versions in new.items() for parts in versions]


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
