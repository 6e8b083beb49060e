"""``audit list``: every lock, run and showing of cases."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, TRUST, AsJson, Command, Home, answer


def listing(
    home: Home = EVIDENCE,
    cases: Annotated[bool, typer.Option("--cases", help="How often each case has been used and shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists every lock, amendment, run and showing of cases on each validation set, aborted runs too."""
    from audit.evidence.register import accesses
    from audit.evidence.uses import case_uses

    frame = case_uses(home) if cases else accesses(home)
    wanted = ["validation_set", "case_id", "uses", "shown", "last_at", "last_plan", "last_who"]
    shown = frame[wanted if cases else ["at", "event", "audit", "validation_set", "who", "note"]].astype("string")
    text = shown.fillna("").to_string(index=False) if len(shown) else f"no lock and no run in {home}"
    rows = json.loads(frame.to_json(orient="records"))
    answer({"cases" if cases else "accesses": rows}, as_json, text)


ENTRY = Command("list", listing, 41, TRUST)
