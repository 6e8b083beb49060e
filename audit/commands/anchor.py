"""``audit anchor``: a time stamp by somebody else over the ledger's root."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, TRUST, AsJson, AuditId, Command, Home, KeyPath, Who, answer, opened, user


def anchor(
    audit: AuditId = None,
    home: Home = EVIDENCE,
    request: Annotated[Path | None, typer.Option(help="Write the request (FILE.tsq) for an authority.")] = None,
    store: Annotated[Path | None, typer.Option(help="Keep the authority's answer (FILE.tsr) in the audit.")] = None,
    tsa: Annotated[Path | None, typer.Option(help="The authority's root certificate: checks the answer.")] = None,
    key: KeyPath = None,
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Time stamps (RFC 3161) over AUDIT's ledger root; without an option, prints the root.

    `--request FILE.tsq`, then send the file to an authority you trust, for example with `curl --data-binary`, then
    `--store FILE.tsr`. Nothing is sent from here. `audit verify --tsa CERTIFICATE` checks what was kept.
    """
    from audit.evidence.store import open_audit
    from audit.records import BadInput
    from audit.verifying.anchoring import ask, keep

    opened_audit = open_audit(home, audit, key=opened(key))
    if request is not None and store is not None:
        raise BadInput("give either --request or --store: the answer comes after the request.")
    if store is not None:
        stated = keep(opened_audit, store, tsa, who or user())
        facts = {"statement": stated.id, "stamped": stated.body["statements"], "at": stated.body["at"]}
        checked = "checked" if tsa else "not checked: no certificate was given with --tsa"
        text = f"Kept: {facts['stamped']} statements, stamped at {facts['at']} ({checked})."
        answer({"audit": opened_audit.audit_id, **facts}, as_json, text)
        return
    if request is None:
        root = opened_audit.ledger.root()
        answer({"audit": opened_audit.audit_id, "root": root}, as_json, root)
        return
    asked = ask(opened_audit, request)
    text = (
        f"{request}: request for root {asked.root} ({asked.statements} statements). Next: audit anchor --store FILE.tsr"
    )
    result = {"audit": opened_audit.audit_id, "root": asked.root, "statements": asked.statements}
    answer(result, as_json, text)


ENTRY = Command("anchor", anchor, 44, TRUST)
