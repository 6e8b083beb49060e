"""What the commands share: their common options, the clock, answers for people and machines, the progress bar."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from audit.evidence.keys import SigningKey

Home = Annotated[Path, typer.Option("--home", help="Evidence folder: MLflow database, artifacts and ledgers.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines instead of text.")]
Who = Annotated[str, typer.Option("--who", help="Who locks or runs; stands in the register.")]
Role = Annotated[str, typer.Option("--role", help="'assessment' shows single cases of sequestered sets; recorded.")]
AuditId = Annotated[str | None, typer.Argument(help="Audit id; default: the latest audit in the home.")]
KeyPath = Annotated[
    Path | None,
    typer.Option("--key", help="Private key (made by `audit key new`) that signs each statement of the audit."),
]
PlanPath = Annotated[Path, typer.Argument(help="The statistical analysis plan (YAML).")]
EVIDENCE = Path("evidence")

WALK, USES, DATA, TRUST = "The walk", "Asking", "Data and cases", "Evidence"


@dataclass(frozen=True, slots=True)
class Command:
    """One command: ``place`` orders the help, ``panel`` is its heading; a name of two words stands in a group."""

    name: str
    call: Callable[..., None]
    place: int
    panel: str


def now() -> str:
    """The time of this command, UTC, ISO 8601; the only clock of the suite."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user() -> str:
    """The account that runs the command."""
    return getpass.getuser()


def opened(key: Path | None) -> SigningKey | None:
    """The private key; its passphrase comes from AUDIT_KEY_PASSPHRASE or is asked for at the terminal."""
    from audit.evidence.keys import needs_passphrase, open_key

    if key is None:
        return None
    return open_key(key, passphrase(f"Passphrase of {key}: ") if needs_passphrase(key) else None)


def passphrase(prompt: str) -> str | None:
    """AUDIT_KEY_PASSPHRASE, or what is typed at the terminal after ``prompt``; None where there is neither."""
    known = os.environ.get("AUDIT_KEY_PASSPHRASE")
    if known is None and sys.stdin.isatty():
        known = getpass.getpass(prompt)
    return known or None


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
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tasks:
            self._progress.stop()
        if isinstance(error, KeyboardInterrupt):
            print("audit: interrupted; the same command goes on where it stopped.", file=sys.stderr)

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._progress.start()
            self._tasks[what] = self._progress.add_task(what, total=total, rate="")
        task = self._progress.tasks[self._tasks[what]]
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        self._progress.update(self._tasks[what], completed=done, total=total, rate=rate)
