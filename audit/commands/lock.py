"""``audit lock``: freezes a plan before results exist."""

from __future__ import annotations

from typing import Annotated

import typer

from audit.commands.shared import (
    EVIDENCE,
    WALK,
    AsJson,
    Command,
    Home,
    KeyPath,
    PlanPath,
    Who,
    answer,
    now,
    opened,
    user,
)


def lock(
    plan: PlanPath,
    home: Home = EVIDENCE,
    who: Who = "",
    amends: Annotated[str | None, typer.Option(help="Audit id whose plan this one amends.")] = None,
    reason: Annotated[str, typer.Option(help="Why the plan is amended.")] = "",
    results_known: Annotated[bool, typer.Option(help="Whether results were known when it was amended.")] = False,
    key: KeyPath = None,
    as_json: AsJson = False,
) -> None:
    """Freezes PLAN before results exist: digests of the plan, the validation set and the model's files.

    A plan that is not locked can still be run; its audit is *exploratory* and each document says so on page one. With
    `--amends AUDIT --reason "..."` both versions of the plan and the reason are kept.
    """
    from audit.run import amend_plan, lock_plan

    if amends:
        store = amend_plan(plan, home, amends, reason, results_known, who or user(), now(), opened(key))
    else:
        store = lock_plan(plan, home, who or user(), now(), opened(key))
    text = f"Locked as audit {store.audit_id} ({store.mode}). Next: audit run {plan}"
    answer({"audit": store.audit_id, "mode": store.mode}, as_json, text)


ENTRY = Command("lock", lock, 12, WALK)
