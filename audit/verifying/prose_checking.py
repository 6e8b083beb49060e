"""What ``audit verify`` says about declared prose: changed after the documents were built, or holding a result.

The words that a document prints are those of its statement's inputs; a later statement of the same file, or other words
in the folder that it came from, mean that the document is to be built again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from audit.dossier.declared_texts import DEVICE_FILE
from audit.dossier.device import Device, prose_files, read_device
from audit.dossier.prose_figures import typed_figures
from audit.evidence.difference import Difference
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore
from audit.records import BadInput, Statement
from audit.stating import PROSE, measure_names

IDENTITY = ("manufacturer", "name", "version")
AGAIN = "build the documents again: audit dossier --device device.yaml."


def check_prose(store: AuditStore, device: Path | None = None) -> list[Difference]:
    """Declared words that are not those of the documents. ``device``: the writer's own device.yaml; without it, the
    prose files beside the home are looked at, where they belong to the same device."""
    return [*_stale(store), *_typed(store), *(_own(store, device) if device else _beside(store))]


def _stale(store: AuditStore) -> Iterator[Difference]:
    """Documents built from words that were stated again with other bytes since."""
    subjects = store.subjects()
    stated = {one.id: one for one in store.statements() if one.kind == PROSE}
    for name, document in subjects.items():
        if document.kind != "document" or not name.endswith(".json"):
            continue
        for used in (stated[each] for each in document.inputs if each in stated):
            yield from (_since(name, file, used, subjects[file]) for file in _replaced(used, subjects))


def _replaced(used: Statement, subjects: dict[str, Statement]) -> list[str]:
    return [name for name, digest in used.subjects.items() if subjects[name].subjects[name] != digest]


def _since(document: str, file: str, used: Statement, now: Statement) -> Difference:
    what = f"The declared words were changed on {now.created[:19]}Z, after this document was built; {AGAIN}"
    return Difference(f"{document}: {file}", f"SHA-256 {used.subjects[file]}", now.subjects[file], what)


def _typed(store: AuditStore) -> Iterator[Difference]:
    """Figures in the standing declarations that read like results of this audit."""
    device = _standing(store)
    measures = measure_names(store) if device else []
    for name, declaration in (device.declared if device else {}).items():
        for measure, figure in typed_figures(declaration, measures):
            what = "Declared prose holds a figure that reads like a result; results come from the evidence alone."
            thing = f"{declaration.file or DEVICE_FILE}: declared.{name}"
            yield Difference(thing, f"no figure beside '{measure}'", f"'{figure}'", what)


def _standing(store: AuditStore) -> Device | None:
    """The device as the audit holds it; None where there is none, or where its files can no longer be read, as their
    digests say already."""
    try:
        return read_device(store.folder / DEVICE_FILE) if store.has(DEVICE_FILE) else None
    except BadInput:
        return None


def _beside(store: AuditStore) -> Iterator[Difference]:
    """Prose files beside the home, where a device.yaml of the same device stands, that are not those of the audit."""
    path, held = store.home.parent / DEVICE_FILE, _standing(store)
    if held is None or not path.is_file():
        return
    try:
        own = yaml.safe_load(path.read_bytes())
    except yaml.YAMLError:
        return
    if isinstance(own, dict) and all(own.get(name) == getattr(held, name) for name in IDENTITY):
        yield from _changed(store, path.parent, prose_files(held))


def _own(store: AuditStore, path: Path) -> Iterator[Difference]:
    """What ``path`` and its prose files say that the audit does not hold; ``BadInput`` where they cannot be read."""
    yield from _changed(store, path.parent, (*prose_files(read_device(path)), path.name))


def _changed(store: AuditStore, folder: Path, names: Iterable[str]) -> Iterator[Difference]:
    """Files of the writer's ``folder`` whose bytes are not those that the audit holds."""
    subjects = store.subjects()
    for name in names:
        held = name if name.startswith("prose/") else DEVICE_FILE
        known = f"SHA-256 {subjects[held].subjects[held]}" if held in subjects else "a file that the audit holds"
        path = folder / name
        found = f"SHA-256 {sha256(path.read_bytes())}" if path.is_file() else "no file"
        if known != found:
            what = f"The declared words in {path} were changed after the documents were built; {AGAIN}"
            yield Difference(name, known, found, what)
