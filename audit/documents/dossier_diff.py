"""``audit dossier --diff OLD NEW``: two builds, two audits, two JSON files, or two editions of a clause catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from audit.datafolders import data_folder
from audit.dossier.catalogues import Requirement, read_catalogue
from audit.dossier.differing import Changed, DocumentChanges, SectionChanges, changes
from audit.dossier.serial import FORMAT
from audit.dossier.templates import read_template
from audit.evidence.store import AuditStore, open_audit
from audit.records import BadInput

SHOWN = 40
Found = list[DocumentChanges]


def compared(old: str, new: str, home: Path) -> Found:
    """What differs, document by document. Each side: an audit id, a document's JSON, a folder of them, or a catalogue.

    Raises ``BadInput`` where a side is none of these, or the two have no document in common.
    """
    if old.endswith(".yaml") and new.endswith(".yaml"):
        return catalogue_changes(Path(old), Path(new))
    before, after = _documents(old, home), _documents(new, home)
    common = [name for name in before if name in after]
    if not common:
        raise BadInput(
            f"{old} has {', '.join(before)}; {new} has {', '.join(after)}: no document in common to compare."
        )
    return [changes(before[name], after[name]) for name in common]


def _documents(what: str, home: Path) -> dict[str, Any]:
    path = Path(what)
    if path.is_dir():
        found = [_tree(each.read_bytes(), str(each)) for each in sorted(path.glob("*.json"))]
    elif path.suffix == ".json":
        found = [_tree(_bytes(path), what)]
    else:
        found = list(_delivered(open_audit(home, what)))
    if not found:
        raise BadInput(f"{what}: no document's JSON there; build the documents first (audit dossier).")
    return {tree["id"]: tree for tree in found}


def _delivered(store: AuditStore) -> Iterator[Any]:
    for name in store.subjects():
        if name.startswith("documents/") and name.endswith(".json") and store.has(name):
            yield _tree(store.read_bytes(name), f"{store.audit_id}: {name}")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}).") from error


def _tree(data: bytes, where: str) -> Any:
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: no JSON ({error}); give a document's JSON as 'audit dossier' wrote it.") from error
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise BadInput(f"{where}: not of the format '{FORMAT}'; build the document again with this version.")
    return tree


def catalogue_changes(old: Path, new: Path) -> Found:
    """Entries that differ between two editions of a catalogue, by template and section that names them."""
    before, after = read_catalogue(old), read_catalogue(new)
    touched = {name: each for name in dict.fromkeys([*before, *after])
               if (each := _entry(name, before.get(name), after.get(name)))}  # fmt: skip
    found = [_template(path, touched) for path in sorted(data_folder("templates").glob("*.yaml")) if _is_one(path)]
    elsewhere = {name for each in found for section in each.sections for name in _named(section)}
    rest = tuple(each for name, each in touched.items() if name not in elsewhere)
    loose = [DocumentChanges("no document", (), (SectionChanges("not asked for by a section", (), rest, (), 0),))]
    return [*(each for each in found if each.sections), *(loose if rest else [])]


def _is_one(path: Path) -> bool:
    return "\nsections:" in path.read_text(encoding="utf-8")


def _template(path: Path, touched: dict[str, Changed]) -> DocumentChanges:
    template = read_template(path)
    sections = []
    for number, section in enumerate(template.sections, 1):
        mine = tuple(touched[each.id] for each in section.requirements if each.id in touched)
        if mine:
            clauses = (section.clause,) if section.clause else ()
            sections.append(SectionChanges(f"{number}  {section.title}", clauses, mine, (), 0))
    return DocumentChanges(template.id, (), tuple(sections))


def _entry(name: str, old: Requirement | None, new: Requirement | None) -> Changed | None:
    if old is None or new is None:
        return Changed(name, old.title if old else "", new.title if new else "")
    differing = [each.name for each in fields(Requirement) if getattr(old, each.name) != getattr(new, each.name)]
    if not differing:
        return None
    sides = ("; ".join(f"{key}: {getattr(side, key)}" for key in differing) for side in (old, new))
    return Changed(name, *sides)


def _named(section: SectionChanges) -> list[str]:
    return [each.what for each in section.statuses]


def as_dict(found: Sequence[DocumentChanges]) -> dict[str, Any]:
    """The differences for machines."""
    return {"documents": [{**asdict(each), "clauses": each.clauses} for each in found]}


def as_text(found: Sequence[DocumentChanges]) -> str:
    """The differences for people."""
    lines = [line for each in found for line in _lines(each)]
    return "\n".join(lines) or "Nothing differs."


def _lines(document: DocumentChanges) -> Iterator[str]:
    if not document.about and not document.sections:
        yield f"{document.id}: nothing differs."
        return
    numbers = sum(len(each.numbers) for each in document.sections)
    statuses = sum(len(each.statuses) for each in document.sections)
    yield f"{document.id}: {numbers} numbers and {statuses} clauses differ in {len(document.sections)} sections."
    yield from (f"  {each.what}: {each.old} → {each.new}" for each in document.about)
    for section in document.sections:
        clauses = f" (touches {', '.join(section.clauses)})" if section.clauses else ""
        yield f"  {section.title}{clauses}"
        yield from (_line(each) for each in section.statuses)
        yield from (_line(each) for each in section.numbers[:SHOWN])
        if len(section.numbers) > SHOWN:
            yield f"    and {len(section.numbers) - SHOWN} more numbers; --json has all."
        if section.words and not section.statuses and not section.numbers:
            yield f"    words only, {section.words} passages"


def _line(each: Changed) -> str:
    return f"    {each.what}: {each.old or 'none'} → {each.new or 'none'}"
