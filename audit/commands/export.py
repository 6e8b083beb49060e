"""``audit export``: statistical data for a reviewer."""

from __future__ import annotations

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


def export(
    to: Annotated[Path, typer.Option(help="The folder to write; it must be new.")],
    audit: AuditId = None,
    home: Home = EVIDENCE,
    role: Role = "",
    who: Who = "",
    key: KeyPath = None,
    as_json: AsJson = False,
) -> None:
    """Writes the analysis data set of AUDIT under pseudonyms and its estimates as CSV, with a data dictionary.

    A README says how the primary endpoints are computed again from them. Digests are stated in the evidence. Cases of
    sequestered sets go along in the role of assessment alone.
    """
    from audit.evidence.store import open_audit
    from audit.sharing.exporting import export as write

    done = write(open_audit(home, audit, key=opened(key)), to, role, who or user(), now())
    held = f" {done.withheld} cases of sequestered sets are withheld." if done.withheld else ""
    text = f"{to}: {done.rows} rows; files {', '.join(done.files)}; stated as {done.statement[:12]}.{held}"
    result = {"folder": str(to), "files": list(done.files), "rows": done.rows, "withheld": done.withheld}
    answer({**result, "statement": done.statement}, as_json, text)


ENTRY = Command("export", export, 18, WALK)
