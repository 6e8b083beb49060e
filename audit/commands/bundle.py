"""``audit bundle``: one file with everything that ``audit verify`` needs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, TRUST, AsJson, AuditId, Command, Home, Role, Who, answer, now, user


def bundle(
    out: Annotated[Path, typer.Option(help="The file to write, for example audit.bundle; nothing is overwritten.")],
    audit: AuditId = None,
    home: Home = EVIDENCE,
    images: Annotated[
        bool, typer.Option("--images", help="Also pictures of single cases, and the documents that show them.")
    ] = False,
    model: Annotated[bool, typer.Option("--model", help="Also the files of the registered versions.")] = False,
    role: Role = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Packs the evidence of AUDIT into one file that `audit verify FILE` accepts on another machine, offline.

    Images of the validation set never go into it. The same evidence gives the same bytes. What was left out is named
    here and again whenever the bundle is verified.
    """
    from audit.evidence.store import open_audit
    from audit.sharing.bundling import make_bundle

    made = make_bundle(open_audit(home, audit), out, images, model, role, who or user(), now())
    left = "; ".join(made.not_in_it)
    text = f"{out}: {made.files} files of audit {made.bundle.audit_id}. Not in it: {left}. Next: audit verify {out}"
    result = {"bundle": str(out), "audit": made.bundle.audit_id, "files": made.files, "not_in_it": list(made.not_in_it)}
    answer(result, as_json, text)


ENTRY = Command("bundle", bundle, 42, TRUST)
