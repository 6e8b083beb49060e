"""``audit dossier``: the documents of an audit."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import (
    EVIDENCE,
    WALK,
    AsJson,
    AuditId,
    Command,
    Home,
    KeyPath,
    Role,
    Who,
    answer,
    now,
    opened,
    user,
)
from audit.records import BadInput


def dossier(
    audit: AuditId = None,
    home: Home = EVIDENCE,
    device: Annotated[
        Path | None, typer.Option(help="Declared device facts (device.yaml); kept outside the lock.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also copy the documents into this folder.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Build only this document (its id; may be repeated).")] = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="OLD NEW", help="Compare: audit ids, documents' JSON, folders of them, or catalogues."),
    ] = None,
    lint: Annotated[
        list[Path] | None, typer.Option(help="Check a PDF against FDA's eCopy and eSTAR rules (may be repeated).")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the documents that can be built.")] = False,
    key: KeyPath = None,
    role: Role = "",
    who: Who = "",
    acknowledge: Annotated[
        str, typer.Option(help="Why results differ from the standing version; needs --who, is stated and printed.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Builds the EU and FDA documents of AUDIT (PDF, Word, HTML, JSON), gaps first, every number bound to evidence."""
    from audit.documents.dossier_diff import as_dict, as_text, compared
    from audit.documents.view import chosen_templates, copy_documents, make_documents, offered_documents
    from audit.evidence.store import open_audit

    if diff:
        found = compared(*diff, home)
        answer(as_dict(found), as_json, as_text(found))
        return
    if lint:
        _lint(lint, as_json)
        return
    if list_:
        offered = offered_documents()
        answer({"documents": offered}, as_json, "\n".join(f"{name:<28} {title}" for name, title in offered.items()))
        return
    if acknowledge and not who:
        raise BadInput("--acknowledge needs --who NAME: somebody answers for a changed result.")
    store, chosen = open_audit(home, audit, key=opened(key)), chosen_templates(only or [])
    built = make_documents(store, now(), device, chosen, role, who or user(), acknowledge)
    paths = copy_documents(built, out) if out else [path for _, path in built]
    text = "\n".join(str(path) for path in paths)
    answer({"documents": [str(path) for path in paths]}, as_json, text)


def _lint(paths: list[Path], as_json: bool) -> None:
    """Every fault of every file; exit code 1 where one may not be sent."""
    from audit.dossier.fda_lint import in_words
    from audit.dossier.fda_lint import lint as faults_of

    found = {str(path): faults_of(path.name, _bytes(path)) for path in paths}
    lines = [in_words(name, faults) if faults else f"{name}: nothing against it" for name, faults in found.items()]
    told = {name: [asdict(each) for each in faults] for name, faults in found.items()}
    answer({"files": told}, as_json, "\n".join(lines))
    if any(found.values()):
        raise typer.Exit(1)


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise BadInput(f"{path}: no such file; name PDFs to be checked.")
    return path.read_bytes()


ENTRY = Command("dossier", dossier, 15, WALK)
