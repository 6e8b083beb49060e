"""``audit list``: every lock, run and showing of cases."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, TRUST, AsJson, Command, Home, answer


def listing(
    home: Home = EVIDENCE,
    cases: Annotated[bool, typer.Option("--cases", help="How often each case has been used and shown.")] = False,
    signatures: Annotated[bool, typer.Option("--signatures", help="Every sign-off and whether it stands.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists every lock, amendment, run and showing of cases on each validation set, aborted runs too."""
    if signatures:
        _signatures(home, as_json)
        return
    from audit.evidence.register import accesses
    from audit.evidence.uses import case_uses

    frame = case_uses(home) if cases else accesses(home)
    wanted = ["validation_set", "case_id", "uses", "shown", "last_at", "last_plan", "last_who"]
    shown = frame[wanted if cases else ["at", "event", "audit", "validation_set", "who", "note"]].astype("string")
    text = shown.fillna("").to_string(index=False) if len(shown) else f"no lock and no run in {home}"
    rows = json.loads(frame.to_json(orient="records"))
    answer({"cases" if cases else "accesses": rows}, as_json, text)


def _signatures(home: Path, as_json: bool) -> None:
    from audit.documents.signing import listed
    from audit.evidence.signoffs import in_words

    found = listed(home)
    text = "\n".join(f"{one.id[:12]}  {audit}  {in_words(one)}" for audit, one in found)
    rows = [{"audit": audit, **asdict(one)} for audit, one in found]
    answer({"signatures": rows}, as_json, text or f"no sign-off in {home}")


ENTRY = Command("list", listing, 41, TRUST)
