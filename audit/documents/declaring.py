"""``audit init``: a commented device.yaml with exactly the declared facts that an audit's documents still lack."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from audit.documents.view import audit_view
from audit.dossier.building import applicable_templates
from audit.dossier.content import Answer
from audit.dossier.device import Device, prose_files
from audit.dossier.locating import Shared
from audit.dossier.resolve import resolve
from audit.dossier.templates import read_template
from audit.evidence.store import AuditStore
from audit.records import BadInput

HEAD = """\
# Device facts: what only the manufacturer can state. They stay outside the lock: stating them changes no result.
# Each commented entry below is a fact that the documents of audit {audit} still lack. Take the '#' off, write the
# text, give author and date; then: audit dossier --device {name}. 'also_answers: [id, ...]' beneath a date lets one
# text answer further clauses. A longer text goes into the prose file named under its date (Markdown: paragraphs, lists,
# headings, *emphasis*), in the folder prose/ beside this file: write 'file: prose/NAME.md' in the place of 'text'.
# 'predicate' and 'modifications' are written as in templates/device.example.yaml.
"""
BLANK: dict[str, Any] = {
    "manufacturer": "",
    "name": "",
    "version": "",
    "regulation": None,
    "intended_users": "",
    "intended_population": "",
    "target_countries": [],
    "markets": ["eu", "us"],
    "address": "",
    "contact": "",
    "authorised_representative": "",
    "udi_di": "",
    "risk_class": "",
    "notified_body": "",
    "product_code": "",
    "predicate": None,
    "modifications": [],
}
WIDTH = 112


def lacking(store: AuditStore, created: str, templates: Sequence[Path] | None = None) -> list[Answer]:
    """Requirements of the documents that want a declaration and have none, each once, in reading order."""
    view = audit_view(store, created)
    found: dict[str, Answer] = {}
    shared = Shared()
    for path in templates or applicable_templates(view):
        for each in resolve(read_template(path), view, shared).answers:
            if each.kind != "computed" and not each.declared and each.status != "not applicable":
                found.setdefault(each.requirement, each)
    return list(found.values())


def write_device_file(store: AuditStore, path: Path, created: str) -> int:
    """Writes the file and returns how many facts it asks for; raises ``BadInput`` where ``path`` exists."""
    view = audit_view(store, created)
    asked = lacking(store, created)
    text = "\n".join(device_lines(store.audit_id, path.name, view.device, asked)) + "\n"
    prose = _prose_beside(store, view.device, path)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise BadInput(f"{path} exists already; give another name with --out, nothing is overwritten.") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); give a folder that exists.") from error
    for place, data in prose.items():
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
    return len(asked)


def _prose_beside(store: AuditStore, device: Device | None, path: Path) -> dict[Path, bytes]:
    """The prose files that the new device.yaml names, where they will lie; ``BadInput`` where others lie there."""
    out = {path.parent / name: store.read_bytes(name) for name in prose_files(device)} if device else {}
    for file, data in out.items():
        if file.exists() and file.read_bytes() != data:
            raise BadInput(f"{file} exists already with other words; give another folder with --out.")
    return out


def device_lines(audit: str, name: str, device: Device | None, asked: Sequence[Answer]) -> Iterator[str]:
    """The file's lines: facts stated already, then the missing declarations as comments."""
    yield HEAD.format(audit=audit, name=name).rstrip()
    facts = device.model_dump(mode="json", exclude={"declared"}) if device else dict(BLANK)
    declared = _written_once(device) if device else {}
    yield yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, width=WIDTH).rstrip()
    yield "declared:" if declared or asked else "declared: {}"
    if declared:
        stated = yaml.safe_dump(declared, sort_keys=False, allow_unicode=True, width=WIDTH - 2)
        yield textwrap.indent(stated.rstrip(), "  ")
    for each in asked:
        yield from _entry(each)


def _written_once(device: Device) -> dict[str, Any]:
    """The declared texts without the further clauses that they answer, which ``also_answers`` names."""
    repeated = {other for each in device.declared.values() for other in each.also_answers}
    return {name: each.as_written() for name, each in device.declared.items() if name not in repeated}


def _entry(answer: Answer) -> Iterator[str]:
    wanted = answer.missing.removeprefix("a declaration in device.yaml").lstrip(": ")
    words = f"{answer.clause}, {answer.title}. {wanted[:1].upper()}{wanted[1:]}"
    yield ""
    for line in textwrap.wrap(f"{words.rstrip('.')}. From: {answer.owner}.", WIDTH - 4):
        yield f"  # {line}"
    yield f"  # {answer.requirement}:"
    yield from ("  #   text: >-", "  #     ", "  #   author: ", "  #   date: YYYY-MM-DD")
    yield f"  # # for a longer text, in its place: file: prose/{answer.requirement}.md"
