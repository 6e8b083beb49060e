"""The study as a document: what a statistician wants to know in a minute, then the tables behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from scipy import stats

LOW, HIGH, TEN, MANY = 0.93, 0.97, 10, 30
FEWEST_PRINTED = 50
WORST = 12
FULL = 250
"""Sets of a question in a full run at the least: the calibration line is asked in every fourth of 1,000."""
KINDS = {
    "value": "value",
    "contrast of patients": "difference of two groups of patients (true: 0)",
    "contrast of cases": "difference of two groups that share patients (true: 0)",
    "change": "change between two versions",
}
MEASURES = (
    "auroc",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "brier",
    "dice",
    "calibration_slope",
    "calibration_intercept",
)
Row = dict[str, Any]


def report(study: dict[str, Any]) -> str:
    """docs/coverage.md."""
    rows = study["rows"]
    parts = [_head(rows), _by_question(rows), _worst(rows), _methods(rows), _values(rows), _auroc(study)]
    return "\n".join([*(part for part in parts if part), _how(study)])


def judged(rows: Iterable[Row]) -> list[Row]:
    """Cells in which enough sets print an interval to say something."""
    return [row for row in rows if row["printed"] >= FEWEST_PRINTED]


def verdict(row: Row) -> str:
    """'low' or 'high' beyond simulation error (two standard errors), 'in', or 'few events' where the upper limit does
    not apply: above 97 % with fewer than 10 events or non-events expected on a side.
    """
    error = 2 * math.sqrt(LOW * (1 - LOW) / row["printed"])
    if row["coverage"] < LOW - error:
        return "low"
    if row["coverage"] <= HIGH + 2 * math.sqrt(HIGH * (1 - HIGH) / row["printed"]):
        return "in"
    return "high" if row["fewest_events"] >= TEN else "few events"


def _head(rows: list[Row]) -> str:
    cells, sets = judged(rows), sorted({row["sets"] for row in rows})
    count = {name: sum(verdict(row) == name for row in cells) for name in ("low", "high", "in", "few events")}
    point = sum(row["coverage"] < LOW for row in cells)
    missed, printed = _pooled(cells)
    return f"""# Coverage of the printed intervals

Written by `python benchmarks/interval_coverage.py`; every cell stands in `benchmarks/results/coverage.json`.

**Question.** How often does a 95 % interval that the product prints contain the true value? Asked: at least 93 %, and
at most 97 % for methods that are not exact with 10 or more events and non-events; a true difference of 0 inside in 93
to 97 %.

**Answer.** In {len(cells):,} cells with at least {FEWEST_PRINTED} printed intervals,
{_percent(1 - missed / printed)} % of {printed:,} intervals contain the true value.
{_cells(count["low"])} below 93 % by more than simulation error, {_cells(count["high"]).lower()} above 97 %.
{_cells(count["few events"])} above 97 % with fewer than 10 events expected on a side, which is allowed.

One cell alone says little: it holds {_sets_text(sets)} (fewest for the calibration line), and one standard
error of its coverage is {_error_text(sets)}{_short_run(sets)}.
{point} cells have a point estimate below 93 %, where about {_expected_low(cells)} would by chance if every interval
held exactly 95 %. What the study can tell stands in the pooled columns below.
"""


def _cells(number: int) -> str:
    return {0: "No cell lies", 1: "1 cell lies"}.get(number, f"{number} cells lie")


def _sets_text(sets: list[int]) -> str:
    return f"{sets[0]:,} simulated sets" if len(sets) == 1 else f"{sets[0]:,} to {sets[-1]:,} simulated sets"


def _short_run(sets: list[int]) -> str:
    return "; a full run has 1,000 sets in every cell, this one was ended earlier" if sets[0] < FULL else ""


def _error_text(sets: list[int]) -> str:
    errors = [f"{100 * math.sqrt(0.95 * 0.05 / n):.1f}" for n in (sets[-1], sets[0])]
    return f"{errors[0]} points" if errors[0] == errors[1] else f"{errors[0]} to {errors[1]} points"


def _expected_low(cells: list[Row]) -> int:
    """How many of these cells lie below 93 % by chance where the true coverage is 95 %."""
    chances = [stats.binom.sf(math.floor((1 - LOW) * row["printed"] + 1e-9), row["printed"], 0.05) for row in cells]
    return round(float(sum(chances)))


def _pooled(cells: Iterable[Row]) -> tuple[int, int]:
    found = list(cells)
    missed = sum(row["interval_below_truth"] + row["interval_above_truth"] for row in found)
    return missed, sum(row["printed"] for row in found)


def _by_question(rows: list[Row]) -> str:
    lines = [
        "## By question and measure\n",
        "'Low' and 'high': cells outside 93–97 % by more than simulation error (two standard errors); 'few events':"
        " above it where fewer than 10 events or non-events are expected on a side. 'Pooled': over all cells, and over"
        f" those with fewer than {MANY} events expected; in brackets the intervals. 'Least': the lowest cell.\n",
        "| question | measure | cells | low | high | few events | pooled | pooled, events few | least |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind, title in KINDS.items():
        for measure in MEASURES:
            cells = judged(row for row in rows if (row["kind"], row["measure"]) == (kind, measure))
            if cells:
                lines.append(f"| {title} | {measure} | {_counts(cells)} |")
    return "\n".join(lines) + "\n"


def _counts(cells: list[Row]) -> str:
    found = [verdict(row) for row in cells]
    counts = (len(cells), found.count("low"), found.count("high"), found.count("few events"))
    few = [row for row in cells if row["fewest_events"] < MANY]
    least = min(cells, key=_coverage)
    texts = (*map(str, counts), _pooled_text(cells), _pooled_text(few))
    return " | ".join(texts) + f" | {_percent(least['coverage'])} ({least['printed']})"


def _pooled_text(cells: list[Row]) -> str:
    missed, printed = _pooled(cells)
    return f"{_percent(1 - missed / printed)} ({printed:,})" if printed else "·"


def _worst(rows: list[Row]) -> str:
    cells = judged(rows)
    low = sorted((row for row in cells if verdict(row) == "low"), key=_coverage)
    high = sorted((row for row in cells if verdict(row) == "high"), key=_coverage, reverse=True)
    if not low and not high:
        return "## Cells outside\n\nNone beyond simulation error.\n"
    lines = [
        "## Cells outside\n",
        f"Beyond simulation error; at most {WORST} on each side, the worst first.\n",
        "| question | measure | cell | method | coverage | below truth | above truth | printed |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *(_line(row) for row in (*low[:WORST], *high[:WORST]))]) + "\n"


def _coverage(row: Row) -> float:
    return float(row["coverage"])


def _line(row: Row) -> str:
    methods = sorted(row["methods"], key=lambda name: -row["methods"][name][0])
    more = f" and {len(methods) - 1} more" if len(methods) > 1 else ""
    return (
        f"| {row['kind']} | {row['measure']} | {_cell_name(row)} | {methods[0]}{more} | {_percent(row['coverage'])} "
        f"| {row['interval_below_truth']} | {row['interval_above_truth']} | {row['printed']} of {row['sets']} |"
    )


def _cell_name(row: Row) -> str:
    cases = "1 to 5 cases" if row["clustered"] else "1 case"
    return f"{row['device']}, {row['patients']:,} patients, {cases}, {100 * row['prevalence']:g} %"


def _methods(rows: list[Row]) -> str:
    """Every method as printed, over all cells: rare fallbacks are too rare to be judged within one cell."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        for name, (printed, missed) in row["methods"].items():
            tally = found.setdefault((_family(row["kind"]), _short(name)), [0, 0])
            tally[0] += printed
            tally[1] += missed
    lines = [
        "## By method\n",
        f"Over all cells and measures; methods printed at least {FEWEST_PRINTED} times.\n",
        "| question | method | printed | coverage |",
        "| --- | --- | --- | --- |",
    ]
    for (kind, name), (printed, missed) in sorted(found.items(), key=lambda item: (item[0][0], -item[1][0])):
        if printed >= FEWEST_PRINTED:
            lines.append(f"| {kind} | {name} | {printed:,} | {_percent(1 - missed / printed)} |")
    return "\n".join(lines) + "\n"


def _family(kind: str) -> str:
    return "difference of groups" if kind.startswith("contrast") else kind


def _short(method: str) -> str:
    return "MOVER, a side does not vary" if method.startswith("MOVER") and "do not vary" in method else method


def _values(rows: list[Row]) -> str:
    lines = ["## Values, cell by cell\n", f"Coverage in %; '·' where fewer than {FEWEST_PRINTED} sets print.\n"]
    for device in dict.fromkeys(row["device"] for row in rows):
        lines += [f"{device.capitalize()} device\n", _table([r for r in rows if r["device"] == device], _cell), ""]
    return "\n".join(lines)


def _table(rows: list[Row], cell: Callable[[Row], str]) -> str:
    values = [row for row in rows if row["kind"] == "value"]
    lines = [
        "| patients | cases | prevalence | " + " | ".join(MEASURES) + " |",
        "| --- " * (3 + len(MEASURES)) + "|",
    ]
    for place in sorted({_place(row) for row in values}):
        here = {row["measure"]: row for row in values if _place(row) == place}
        cells = " | ".join(cell(here[name]) if name in here else "·" for name in MEASURES)
        lines.append(f"| {place[1]:,} | {'1 to 5' if place[0] else '1'} | {100 * place[2]:g} % | {cells} |")
    return "\n".join(lines)


def _place(row: Row) -> tuple[bool, int, float]:
    return row["clustered"], row["patients"], row["prevalence"]


def _cell(row: Row) -> str:
    if row["printed"] < FEWEST_PRINTED:
        return "·"
    text = _percent(row["coverage"])
    return f"**{text}**" if verdict(row) in ("low", "high") else text


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _auroc(study: dict[str, Any]) -> str:
    """Why this interval of the AUROC: candidates on score distributions that no method knows."""
    found = study.get("auroc_methods")
    if not found:
        return ""
    lines = [
        "## Why this interval of the AUROC\n",
        f"`python benchmarks/auroc_intervals.py`: {found['cells']} cells of {found['sets']:,} sets, {found['families']}"
        " families of score distributions (normal with equal, wider and narrower spread of the positives, exponential,"
        " normal with 4 % of positives missed at random, a five-point scale), AUROC 0.80 to 0.95, 10 to 100 positive"
        f" cases. 'Low' and 'high': cells below 93 and above 97 %; about {_by_chance(found)} would be low by chance if"
        " all held exactly 95 %. The printed interval is weakest where positives scatter far more than negatives and"
        f" the AUROC is high: {_weakest(found)}.\n",
        "| method | low | high | smallest | median | largest |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in found["methods"].items():
        shown = " | ".join(_percent(row[key]) for key in ("smallest", "median", "largest"))
        lines.append(f"| {name} | {row['low']} | {row['high']} | {shown} |")
    return "\n".join(lines) + "\n"


def _by_chance(found: dict[str, Any]) -> int:
    few = math.floor((1 - LOW) * found["sets"] + 1e-9)
    return round(found["cells"] * float(stats.binom.sf(few, found["sets"], 0.05)))


def _weakest(found: dict[str, Any]) -> str:
    row = min(found["rows"], key=lambda each: each["coverage"]["as printed"])
    now, before = (_percent(row["coverage"][name]) for name in ("as printed", "DeLong, logit"))
    sizes = f"{row['positives']} positive and {row['negatives']} negative cases"
    return f"{row['family']}, AUROC {row['auroc']:.2f}, {sizes}: {now} % (DeLong, logit: {before} %)"


def _seeds(runs: dict[str, list[str]]) -> str:
    texts = [f"{seed} ({'all' if len(names) == len(MEASURES) else ', '.join(names)})" for seed, names in runs.items()]
    return "; ".join(texts)


def _how(study: dict[str, Any]) -> str:
    machine = study["machine"]
    return f"""## What is not printed

- Nothing from fewer than `too_few` (10) cases or patients in a class or denominator; for predictive values, Brier
  score and accuracy that is either class of the reference.
- No interval of a mean of scores per case (Dice, volume difference) from fewer than 30 patients: it may hang on rare
  failures that none of them shows. The value stands, with that reason.
- No interval where patients do not vary, save by methods for that case (Wilson, Tango, binormal score).
- A proportion with a denominator below 30 prints Clopper-Pearson, which is exact (95 % or more by construction).

## How simulated

- A patient has one case, or (clustered) 1 to 5 with equal probability. Disease is a latent normal variable cut at the
  prevalence; the score is normal with unit variance, higher in diseased cases. Disease, score and Dice each correlate
  0.5 between cases of one patient through normal patient effects, which leave the distribution of a single case, and so
  every true value, unchanged.
- Two devices: 'strong' (AUROC 0.95, specificity 0.90, sensitivity 0.85) and 'moderate' (AUROC 0.80, specificity 0.80,
  sensitivity 0.64). The printed probability is the true one with its log odds multiplied by 1.25 (slope 0.8).
- Dice is measured on reference-positive cases: logit-normal, with 5 % of masks missed altogether (Dice 0).
- The comparator shares 0.6 of the score's variance on a case; its true AUROC equals the candidate's for the strong
  device and is lower for the moderate one. Groups hold 40 and 60 %, of patients or of cases, drawn independently.
- True values in closed form, or by 120-point Gauss-Hermite quadrature (Brier score, Dice, calibration in the large).
- Values, gates, intervals and names come from the product's own code path (`audit.measures.answers.answer`) with
  {study["resamples"]:,} resamples of patients (an audit takes 2,000); each block of 50 sets meets resamples of its own.
  Seeds: {_seeds(study["runs"])}.
- Run on {machine["processor"]}, {machine["cores"]} cores, Python {machine["python"]}.

Limits: one family of score distributions (the AUROC's interval was tried on six), no informative number of cases, no
missing values, two groups. F1, MCC, partial areas, likelihood ratios, net benefit and what is taken at a fixed rate or
prevalence are not among those simulated here: `benchmarks/measure_coverage.py` has them at 200 patients.
"""
