"""``audit precheck``: what a reviewer would ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, WALK, AsJson, AuditId, Command, Home, answer, now


def precheck(
    audit: AuditId = None,
    home: Home = EVIDENCE,
    device: Annotated[Path | None, typer.Option(help="Device facts to check with, instead of those given.")] = None,
    as_json: AsJson = False,
) -> None:
    """What a reviewer would ask about AUDIT, each with clause and remedy, from evidence and declared facts.

    Exit code 1 where there are deficiencies. Nothing is written.
    """
    from audit.documents.prechecking import as_dict, as_text, prechecked
    from audit.evidence.store import open_audit

    store = open_audit(home, audit)
    asked = prechecked(store, now(), device)
    answer(as_dict(store.audit_id, asked), as_json, as_text(store.audit_id, asked))
    raise typer.Exit(1 if any(each.outcome == "deficient" for each in asked) else 0)


ENTRY = Command("precheck", precheck, 16, WALK)
