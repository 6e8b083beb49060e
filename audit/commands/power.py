"""``audit power``: how many cases a claim needs, what a set can show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import DATA, AsJson, Command, answer
from audit.records import BadInput


def power(
    measure: Annotated[str | None, typer.Option(help="sensitivity, specificity, auroc or dice.")] = None,
    expected: Annotated[float | None, typer.Option(help="The value you expect of the measure.")] = None,
    half_width: Annotated[float | None, typer.Option(help="Aim: half-width of the interval.")] = None,
    minimum: Annotated[float | None, typer.Option(help="Aim: the lower limit reaches this value.")] = None,
    margin: Annotated[float | None, typer.Option(help="Aim: non-inferior by this margin; 0: superior.")] = None,
    power: Annotated[float, typer.Option(help="Chance to meet the criterion if the assumptions hold.")] = 0.8,
    prevalence: Annotated[float | None, typer.Option(help="Share of reference-positive patients.")] = None,
    images_per_patient: Annotated[float, typer.Option(help="Images of the class in question per patient.")] = 1.0,
    icc: Annotated[float | None, typer.Option(help="Intraclass correlation between images of a patient.")] = None,
    strata: Annotated[int, typer.Option(help="Number of strata that answer for themselves.")] = 1,
    together: Annotated[bool, typer.Option(help="The power is that of all strata meeting the criterion.")] = False,
    sd: Annotated[float | None, typer.Option(help="Dice: standard deviation between cases.")] = None,
    discordant: Annotated[float | None, typer.Option(help="Share of cases on which the versions disagree.")] = None,
    difference: Annotated[float, typer.Option(help="True difference, candidate minus comparator.")] = 0.0,
    confidence: Annotated[float, typer.Option(help="Two-sided confidence; a plan brings its own.")] = 0.95,
    plan: Annotated[Path | None, typer.Option(help="What can a set show for the endpoints of this plan?")] = None,
    set_: Annotated[
        str | None, typer.Option("--set", help="With --plan: a set in the place of the plan's own.")
    ] = None,
    assume: Annotated[list[str] | None, typer.Option(help="With --plan: true value, ENDPOINT=VALUE.")] = None,
    as_json: AsJson = False,
) -> None:
    """How many cases does a claim need, or what can a given set show? No result is read.

    `audit power --measure sensitivity --expected 0.93 --minimum 0.85 --prevalence 0.2 --strata 4`, or
    `audit power --plan plan.yaml --set FOLDER --assume P1=0.97 --assume sensitivity=0.93 --sd 0.2`.
    """
    from audit.planning.power import Design, Expected, aim_of, needed
    from audit.planning.power_text import need_as_dict, need_as_text, shown_as_dict, shown_as_text
    from audit.planning.set_power import Assumed, read_assumptions, what_set_shows

    if plan is not None:
        if (measure, expected, half_width, minimum, margin) != (None,) * 5:
            raise BadInput("--plan brings its own measures and criteria; leave --measure, --expected and the aim out.")
        assumed = Assumed(read_assumptions(assume or []), power, icc, sd, discordant, difference)
        rows = what_set_shows(plan, set_, assumed)
        answer(shown_as_dict(rows, assumed), as_json, shown_as_text(rows, assumed))
        return
    if set_ is not None or assume:
        raise BadInput("--set and --assume need a plan; give --plan plan.yaml.")
    if measure is None or expected is None:
        raise BadInput("give --measure and --expected with one aim (--half-width, --minimum or --margin), or --plan.")
    asked = Expected(measure, expected, sd)
    aim = aim_of(half_width, minimum, margin, power, discordant, difference)
    design = Design(prevalence, images_per_patient, icc, strata, confidence, together)
    need = needed(asked, aim, design)
    answer(need_as_dict(need, asked, aim, design), as_json, need_as_text(need, asked, aim, design))


ENTRY = Command("power", power, 22, DATA)
