"""The command ``audit``. Exit code 0: done and in order; 1: criteria not met or verification failed; 2: bad input."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from audit.records import BadInput

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False
)

Home = Annotated[Path, typer.Option("--home", help="Evidence folder: MLflow database, artifacts and ledgers.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines instead of text.")]
Who = Annotated[str, typer.Option("--who", help="Who locks or runs; stands in the register.")]
AuditId = Annotated[str | None, typer.Argument(help="Audit id; default: the latest audit in the home.")]
PlanPath = Annotated[Path, typer.Argument(help="The statistical analysis plan (YAML).")]
EVIDENCE = Path("evidence")


def now() -> str:
    """The time of this command, UTC, ISO 8601; the only clock of the suite."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user() -> str:
    """The account that runs the command."""
    return getpass.getuser()


def answer(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Prints the result once: JSON for machines, text for people."""
    if as_json:
        print(json.dumps(result, indent=2, allow_nan=False, default=str))
    else:
        Console(highlight=False, soft_wrap=True).print(text, markup=False)


class Reporter:
    """A progress bar with rate and time left on standard error; silent for machines."""

    def __init__(self, quiet: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=quiet,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Reporter:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total, rate="")
        task = self._progress.tasks[self._tasks[what]]
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        self._progress.update(self._tasks[what], completed=done, total=total, rate=rate)


@app.callback()
def about() -> None:
    """Validates and explains a frozen medical-imaging model for regulators.

    A plan (YAML) says what is claimed and how it is tested. **Lock** it before results exist, **run** it once over the
    validation set, print the **dossier**, and let anybody **verify** every number.

    Start with `audit demo`. Evidence goes to the MLflow home given with `--home` (default: `evidence/`).
    """


@app.command()
def demo(
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Runs the whole walk on the embedded simulated example: register, lock, run, dossier, verify."""
    from audit.demo import run_demo

    with Reporter(as_json) as report:
        done = run_demo(home, user(), now, report)
    documents = [str(path) for path in done.documents]
    text = "\n".join(
        [
            f"Audit {done.store.audit_id} ({done.store.mode}) is complete and verified: {done.verdict}.",
            "SIMULATED DATA: the numbers describe no real device.",
            "The dossiers:",
            *(f"  {path}" for path in documents),
            f'Next: audit ask "manufacturer={done.example}", audit verify, '
            f"mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db",
        ]
    )
    answer({"audit": done.store.audit_id, "documents": documents, "verdict": done.verdict}, as_json, text)


@app.command("lock")
def lock_command(
    plan: PlanPath,
    home: Home = EVIDENCE,
    who: Who = "",
    amends: Annotated[str | None, typer.Option(help="Audit id whose plan this one amends.")] = None,
    reason: Annotated[str, typer.Option(help="Why the plan is amended.")] = "",
    results_known: Annotated[bool, typer.Option(help="Whether results were known when it was amended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Freezes PLAN before results exist: digests of the plan, the validation set and the model's files.

    A plan that is not locked can still be run; its audit is *exploratory* and each document says so on page one. With
    `--amends AUDIT --reason "..."` both versions of the plan and the reason are kept.
    """
    from audit.run import amend_plan, lock_plan

    if amends:
        store = amend_plan(plan, home, amends, reason, results_known, who or user(), now())
    else:
        store = lock_plan(plan, home, who or user(), now())
    text = f"Locked as audit {store.audit_id} ({store.mode}). Next: audit run {plan}"
    answer({"audit": store.audit_id, "mode": store.mode}, as_json, text)


@app.command()
def run(
    plan: PlanPath,
    home: Home = EVIDENCE,
    who: Who = "",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: cuda where there is one.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Runs PLAN: one pass over the validation set, estimates, explanations, verdicts. Goes on where it was interrupted.

    Exit code 1 when the plan's success rule is not met.
    """
    from audit.run import chosen_device, run_plan
    from audit.view import verdict_of

    with Reporter(as_json) as report:
        store = run_plan(plan, home, who or user(), now(), now, chosen_device(device), report)
    verdict, sentence, findings = verdict_of(store)
    lines = [f"{finding.verdict:>12}  {finding.endpoint}: {finding.title}; {finding.reason}" for finding in findings]
    text = "\n".join([f"Audit {store.audit_id} ({store.mode}): {sentence}", *lines, "Next: audit dossier"])
    result = {"audit": store.audit_id, "mode": store.mode, "verdict": verdict, "sentence": sentence}
    answer(result | {"findings": [asdict(finding) for finding in findings]}, as_json, text)
    raise typer.Exit(0 if verdict == "met" else 1)


@app.command()
def dossier(
    audit: AuditId = None,
    home: Home = EVIDENCE,
    device: Annotated[
        Path | None, typer.Option(help="Declared device facts (device.yaml); kept outside the lock.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also copy the documents into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Builds the EU AI Act and FDA documents of AUDIT (PDF and JSON), gaps first, every number bound to evidence."""
    from audit.evidence.store import open_audit
    from audit.view import copy_documents, make_documents

    built = make_documents(open_audit(home, audit), now(), device)
    paths = copy_documents(built, out) if out else [path for _, path in built]
    text = "\n".join(str(path) for path in paths)
    answer({"documents": [str(path) for path in paths]}, as_json, text)


@app.command("verify")
def verify_command(
    what: Annotated[str | None, typer.Argument(metavar="[AUDIT|FILE]", help="Default: the latest audit.")] = None,
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Recomputes every estimate from stored predictions, checks every digest, and names exactly what differs.

    FILE: a delivered document; says whether it is, byte for byte, the one an audit of this home delivered.
    Exit code 1 when anything differs.
    """
    from audit.checking import verify_anything

    checked = verify_anything(what, home)
    answer(checked.as_dict(), as_json, checked.as_text())
    raise typer.Exit(1 if checked.differences else 0)


@app.command("ask")
def ask_command(
    conditions: Annotated[list[str] | None, typer.Argument(metavar="[ATTRIBUTE=LEVEL]...")] = None,
    audit: Annotated[str | None, typer.Option(help="Audit id; default: the latest.")] = None,
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """How does it do on ...? Estimates, intervals and counts of one group, with its pictures.

    For example `audit ask sex=F "age_band=≥60" "manufacturer=Cedar Systems"`. Post hoc and descriptive: no verdict.
    """
    from audit.asking import ask
    from audit.evidence.store import open_audit

    found = ask(open_audit(home, audit), conditions or [])
    answer(found.as_dict(), as_json, found.as_text())


@app.command("list")
def list_command(home: Home = EVIDENCE, as_json: AsJson = False) -> None:
    """Lists every lock, amendment and run on each validation set, aborted ones too."""
    from audit.evidence.register import accesses

    frame = accesses(home)
    shown = frame[["at", "event", "audit", "validation_set", "who", "note"]].fillna("")
    text = shown.to_string(index=False) if len(shown) else f"no lock and no run in {home}"
    answer({"accesses": json.loads(frame.to_json(orient="records"))}, as_json, text)


def main() -> None:
    """Entry point of the command: bad input is one sentence on standard error and exit code 2."""
    try:
        app()
    except BadInput as error:
        print(f"audit: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("audit: interrupted; the same command goes on where it stopped.", file=sys.stderr)
        sys.exit(130)
