"""The command ``audit``. Exit code 0: done and in order; 1: criteria not met or verification failed; 2: bad input."""

from __future__ import annotations

import json
import sys
import warnings

import typer

from audit.catalogue import entries
from audit.commands.shared import Command
from audit.records import BadInput

GROUPS = {"key": "Keys that sign the statements of an audit (Ed25519)."}


DEEP = "a file that was given is nested deeper than any that this suite writes or needs; it is not read."


def about() -> None:
    """Validates and explains a frozen medical-imaging model for regulators.

    A plan (YAML) says what is claimed and how it is tested. **Lock** it before results exist, **run** it once over the
    validation set, print the **dossier**, and let anybody **verify** every number.

    Start with `audit demo`. Evidence goes to the MLflow home given with `--home` (default: `evidence/`).
    """


def assembled() -> typer.Typer:
    """The command with every entry of ``commands/``, in the order of their places."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        callback=about,
    )
    groups: dict[str, typer.Typer] = {}
    found: list[Command] = sorted(entries("commands").values(), key=lambda command: command.place)
    for command in found:
        group, _, name = command.name.rpartition(" ")
        if not group:
            app.command(name, rich_help_panel=command.panel)(command.call)
            continue
        if group not in groups:
            groups[group] = typer.Typer(no_args_is_help=True, help=GROUPS[group])
            app.add_typer(groups[group], name=group, rich_help_panel=command.panel)
        groups[group].command(name)(command.call)
    return app


def main() -> None:
    """Entry point of the command: bad input is one sentence on standard error and exit code 2."""
    warnings.simplefilter("ignore", FutureWarning)  # of libraries about each other: nothing the reader can act upon
    try:
        assembled()()
    except BadInput as error:
        print(f"audit: {error}", file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"error": str(error)}))
        sys.exit(2)
    except RecursionError:
        print(f"audit: {DEEP}", file=sys.stderr)
        sys.exit(2)
