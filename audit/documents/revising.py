"""The documents of an audit that stand, and what a new version of one of them changes: refused until acknowledged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from audit.dossier.building import BuiltDocument
from audit.dossier.revisions import Changed, Printed, changed_results, disagreements
from audit.dossier.view import CITABLE
from audit.evidence.erasures import erasures
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore
from audit.records import BadInput, Statement

ACKNOWLEDGED = "acknowledged"


def standing_values(store: AuditStore) -> dict[str, list[dict[str, str]]]:
    """Document file (JSON) -> the values of the version that counts; without those whose bytes were changed."""
    known = {name: one for name, one in store.subjects().items() if one.kind == "document" and name.endswith(".json")}
    out = {}
    for name, statement in known.items():
        with suppress(BadInput, ValueError, KeyError):
            data = store.read_bytes(name)
            if sha256(data) == statement.subjects[name]:
                out[name] = list(json.loads(data)["values"])
    return out


def printed_in(store: AuditStore) -> dict[str, list[Printed]]:
    """Document file (JSON) -> its results with the kind of the product that each one names; without results of products
    from which rows were erased since."""
    kinds, stated, erased = {one.id: one.kind for one in store.statements()}, store.subjects(), erasures(store)
    out = {}
    for name, values in standing_values(store).items():
        gone = {kind for one in erased if one.at > stated[name].created for kind in one.kinds}
        found = (_printed(kinds, each["statement"], each["pointer"], each["text"]) for each in values)
        out[name] = [one for one in found if one.kind.partition(" ")[0] not in gone]
    return out


def _printed(kinds: dict[str, str], statement: str, pointer: str, text: str) -> Printed:
    """Only products that documents cite have one latest statement; others are told apart by theirs."""
    kind = kinds.get(statement, "")
    return Printed(kind if kind in CITABLE else f"{kind} {statement[:12]}", pointer, text)


def acknowledge(store: AuditStore, documents: Sequence[BuiltDocument], reason: str, who: str) -> list[Statement]:
    """States what the new ``documents`` change in results that their standing versions print; nothing where none.

    Raises ``BadInput`` where results changed and there is no reason or nobody to answer for it, and where one quantity
    has two values among the new documents.
    """
    kinds = {one.id: one.kind for one in store.statements()}
    new = {f"documents/{each.id}.json": _of(each, kinds) for each in documents}
    for one in disagreements(new):
        (first, text), (other, other_text) = one.found
        raise BadInput(
            f"{one.kind}{one.pointer}: {first} prints {text} and {other} {other_text}; one quantity has one value in "
            "all documents: correct the block that prints it."
        )
    before = printed_in(store)
    changed = {name: changed_results(before.get(name, ()), values) for name, values in new.items()}
    changed = {name: found for name, found in changed.items() if found}
    if changed and not (reason.strip() and who.strip()):
        _refuse(store, changed)
    return [_state(store, name, found, reason.strip(), who.strip()) for name, found in changed.items()]


def _of(document: BuiltDocument, kinds: dict[str, str]) -> list[Printed]:
    return [_printed(kinds, statement, pointer, text) for text, statement, pointer in document.values]


def _refuse(store: AuditStore, changed: dict[str, list[Changed]]) -> None:
    name, found = next(iter(changed.items()))
    first, at = found[0], store.subjects()[name].created[:19]
    raise BadInput(
        f"{name}: {len(found)} results differ from the version of {at}Z, the first {first.kind}{first.pointer} "
        f'({first.before} before, {first.after} now); say why with --acknowledge "REASON" --who NAME, which is stated '
        "and printed in the document's revision history."
    )


def _state(store: AuditStore, name: str, found: list[Changed], reason: str, who: str) -> Statement:
    replaced = store.subjects()[name]
    body = {
        "document": replaced.body["document"],
        "replaces": replaced.id,
        "reason": reason,
        "who": who,
        "count": len(found),
        "changed": [asdict(each) for each in found],
    }
    return store.state_that(ACKNOWLEDGED, {f"replaced:{name}": replaced.subjects[name]}, [replaced], body)
