"""``audit register``: registers the version that a plan names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, WALK, AsJson, Command, Home, PlanPath, answer


def register(
    plan: PlanPath,
    source: Annotated[Path | None, typer.Argument(help="The version's file, or the folder of its files.")] = None,
    comparator: Annotated[bool, typer.Option(help="It is the plan's comparator, not its candidate.")] = False,
    card: Annotated[Path | None, typer.Option(help="version.yaml: preprocessing, outputs, tolerance.")] = None,
    golden: Annotated[Path | None, typer.Option(help="Golden pair (.npz): images and the outputs they give.")] = None,
    example: Annotated[list[Path] | None, typer.Option(help="Image whose outputs are taken now; repeatable.")] = None,
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Registers the version that PLAN names: ONNX, TorchScript, MONAI bundle, pickle by digest, or a command.

    Its files are stored and digested, with golden images that it must answer alike whenever it is opened.
    """
    from audit.planning.registration import register_for_plan

    role = "comparator" if comparator else "candidate"
    made = register_for_plan(plan, role, source, card, golden, example or [], home)
    text = f"Registered {made.label} ({made.kind}), outputs {', '.join(made.outputs)}. Next: audit lock {plan}"
    answer({"model": made.name, "version": made.version, "files": dict(made.digests)}, as_json, text)


ENTRY = Command("register", register, 11, WALK)
