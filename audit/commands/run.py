"""``audit run``: runs a plan."""

from __future__ import annotations

from dataclasses import asdict
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
    Reporter,
    Who,
    answer,
    now,
    opened,
    user,
)
from audit.records import Finding


def shown_verdict(finding: Finding) -> str:
    """The verdict as printed: a descriptive endpoint has none."""
    return "descriptive" if finding.role == "descriptive" else finding.verdict


def run(
    plan: PlanPath,
    home: Home = EVIDENCE,
    who: Who = "",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: cuda where there is one.")] = "auto",
    key: KeyPath = None,
    as_json: AsJson = False,
) -> None:
    """Runs PLAN: one pass over the validation set, estimates, explanations, verdicts. Goes on where it was interrupted.

    Exit code 1 when the plan's success rule is not met.
    """
    from audit.documents.view import verdict_of
    from audit.run import chosen_device, run_plan

    with Reporter(as_json) as report:
        signing = opened(key)
        store = run_plan(plan, home, who or user(), now(), now, chosen_device(device), report, signing)
    verdict, sentence, findings = verdict_of(store)
    lines = [
        f"{shown_verdict(finding):>12}  {finding.endpoint}: {finding.title}; {finding.reason}" for finding in findings
    ]
    text = "\n".join([f"Audit {store.audit_id} ({store.mode}): {sentence}", *lines, "Next: audit dossier"])
    result = {"audit": store.audit_id, "mode": store.mode, "verdict": verdict, "sentence": sentence}
    answer(result | {"findings": [asdict(finding) for finding in findings]}, as_json, text)
    raise typer.Exit(0 if verdict == "met" else 1)


ENTRY = Command("run", run, 13, WALK)
