"""``audit demo``: the whole walk on the embedded example."""

from __future__ import annotations

import typer

from audit.commands.shared import EVIDENCE, WALK, AsJson, Command, Home, Reporter, answer, now, user


def demo(
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Runs the whole walk on the embedded simulated example: register, lock, run, dossier, verify."""
    from audit.demo import run_demo

    with Reporter(as_json) as report:
        done = run_demo(home, user(), now, report)
    documents = [str(path) for path in done.documents]
    checked = "verified" if not done.differences else f"NOT verified: {done.differences[0].thing} differs"
    lines = [
        f"Audit {done.store.audit_id} ({done.store.mode}) is complete and {checked}.",
        f"{done.sentence} SIMULATED DATA: the numbers describe no real device.",
        'Next: audit ask "manufacturer=Cedar Systems" · audit verify · '
        f"mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db",
        "The dossiers:",
        *(f"  {path}" for path in documents),
    ]
    result = {"audit": done.store.audit_id, "documents": documents, "verdict": done.verdict}
    answer(result | {"differences": len(done.differences)}, as_json, "\n".join(lines))
    raise typer.Exit(1 if done.differences else 0)


ENTRY = Command("demo", demo, 10, WALK)
