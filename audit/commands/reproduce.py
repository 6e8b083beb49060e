"""``audit reproduce``: the audit done again, with tables only or with the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import (
    EVIDENCE,
    TRUST,
    AsJson,
    Command,
    Home,
    KeyPath,
    Reporter,
    Who,
    answer,
    now,
    opened,
    user,
)


def reproduce(
    what: Annotated[str | None, typer.Argument(metavar="[AUDIT|BUNDLE]", help="Default: the latest audit.")] = None,
    home: Home = EVIDENCE,
    model: Annotated[bool, typer.Option("--model", help="Also run the model over the set again.")] = False,
    sets: Annotated[
        Path, typer.Option(help="With --model: the folder that the plan's validation sets are named from.")
    ] = Path(),
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: cuda where there is one.")] = "auto",
    record: Annotated[bool, typer.Option("--record", help="State the reproduction in the evidence.")] = False,
    key: KeyPath = None,
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Does the audit again: tables, verdicts and printed numbers from stored predictions; the model too if asked.

    Each output of the model is compared under the plan's declared tolerance (`determinism`). What differs is named by
    case, output and size, with the ways in which this environment is not the one of the audit. Nothing is written
    unless `--record` says so. Exit code 1 when anything came out otherwise.
    """
    from audit.evidence.bundled import as_home
    from audit.evidence.store import open_audit
    from audit.run import chosen_device
    from audit.verifying.reproducing import record as state
    from audit.verifying.reproducing import refuse_bundle
    from audit.verifying.reproducing import reproduce as redo

    with as_home(what, home) as (place, name), Reporter(as_json) as report:
        store = open_audit(place, name, key=opened(key))
        if record:
            refuse_bundle(store)
        made = redo(store, model, sets, chosen_device(device), report)
        stated = state(store, made, who or user(), now()) if record else None
    text = made.as_text() + (f"\nStated as reproduction {stated.id[:12]}." if stated else "")
    answer(made.as_dict() | {"statement": stated.id if stated else None}, as_json, text)
    raise typer.Exit(1 if made.differences else 0)


ENTRY = Command("reproduce", reproduce, 43, TRUST)
