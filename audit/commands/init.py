"""``audit init``: a device.yaml to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, WALK, AsJson, AuditId, Command, Home, answer, now


def init(
    audit: AuditId = None,
    home: Home = EVIDENCE,
    out: Annotated[Path, typer.Option(help="The file to write; nothing is overwritten.")] = Path("device.yaml"),
    as_json: AsJson = False,
) -> None:
    """Writes a commented device.yaml with exactly the declared facts that the documents of AUDIT still lack."""
    from audit.documents.declaring import write_device_file
    from audit.evidence.store import open_audit

    asked = write_device_file(open_audit(home, audit), out, now())
    text = f"{out}: {asked} facts to declare. Fill it in, then: audit dossier --device {out}"
    answer({"file": str(out), "asked": asked}, as_json, text)


ENTRY = Command("init", init, 14, WALK)
