"""The measured numbers as a document and a plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
from matplotlib.ticker import NullLocator

NAMES = {"threshold": "selection rate, TPR, FPR", "auroc": "AUROC"}


def scaling_plot(scaling: dict[str, Any], path: Path) -> None:
    """Processor seconds against cases and against resamples on logarithmic axes, with a line of slope 1."""
    mpl.rcParams["svg.hashsalt"] = "scaling"
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)
    fixed = scaling["cases"][0]["resamples"], scaling["resamples"][0]["cases"]
    titles = (f"{fixed[0]} resamples, 32 groups", f"{fixed[1]:,} cases, 32 groups")
    for axis, over, title in zip(axes, ("cases", "resamples"), titles, strict=True):
        _panel(axis, scaling[over], over)
        axis.set_title(title, fontsize=10)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _panel(axis: Any, rows: list[dict[str, Any]], over: str) -> None:
    x = [row[over] for row in rows]
    for kind, marker in (("threshold", "o"), ("auroc", "s")):
        axis.plot(x, [row[f"{kind}_s"] for row in rows], marker=marker, label=NAMES[kind])
    last = rows[-1]["threshold_s"]
    axis.plot(x, [last * each / x[-1] for each in x], linestyle=":", color="grey", label="linear")
    axis.set(xscale="log", yscale="log", xlabel=over, ylabel="processor seconds")
    axis.set_xticks(x, [f"{each:,}" for each in x], rotation=30, fontsize=8)
    axis.xaxis.set_minor_locator(NullLocator())
    axis.legend(fontsize=8)
    axis.grid(alpha=0.3)


def report(found: dict[str, Any]) -> str:
    """docs/benchmarks.md."""
    sections = (_head(found), _speed(found), _audit(found["audit"]), _memory(found), _scaling(found), _how(found))
    return "\n".join(sections)


def _head(found: dict[str, Any]) -> str:
    machine = found["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return f"""# Speed of the patient bootstrap

Written by `make bench` from one run; the numbers behind it are in `benchmarks/results/bootstrap.json`.

Machine: {machine["processor"]} ({machine["architecture"]}), {machine["cores"]} cores, {machine["memory_gib"]} GiB,
{machine["system"]}, Python {machine["python"]};
{packages}.
Load average: {machine["load"]} on {machine["cores"]} cores. Where it exceeds the cores, others compute beside this
run, and only processor times say what the work costs.
"""


def _speed(found: dict[str, Any]) -> str:
    lines = [
        "## Side by side with fairlearn\n",
        "100,000 rows, 32 groups; milliseconds per resample for all groups together, ours over fairlearn's"
        " `MetricFrame(n_boot=…)`. Point values agree within "
        f"{max(row[kind]['largest_point_difference'] for row in found['layouts'] for kind in NAMES):.0e}.\n",
        "| patients | quantity | clock | ours, ms | fairlearn, ms | times faster | target |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for layout in found["layouts"]:
        for kind, name in NAMES.items():
            for clock in ("wall", "processor"):
                lines.append(_speed_row(layout, kind, name, clock))
    return "\n".join(lines) + "\n" + _graphics(found) + _runs(found)


def _runs(found: dict[str, Any]) -> str:
    """Every full run so far, not the last alone: the machine is shared and the ratios move."""
    lines = [
        "\n### All runs\n",
        "Times faster in each full run made on this machine, oldest first; other work ran beside all of them. 'effort':"
        " resamples of fairlearn's x repeats.\n",
        "| effort | patients | quantity | wall | processor | target |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *(_run_row(one) for one in found["runs"])]) + "\n"


def _run_row(one: dict[str, Any]) -> str:
    met = "met" if min(one["wall"], one["processor"]) >= one["target"] else "missed on one clock or both"
    return (
        f"| {one['effort']} | {one['patients']:,} | {NAMES[one['kind']]} | {one['wall']:,.0f} "
        f"| {one['processor']:,.0f} | ≥ {one['target']:,}: {met} |"
    )


def _speed_row(layout: dict[str, Any], kind: str, name: str, clock: str) -> str:
    found = layout[kind]
    row = found[clock]
    met = "met" if row["ratio"] >= found["target"] else "missed"
    return (
        f"| {layout['patients']:,} | {name} | {clock} | {row['ours_ms']:.3f} | {row['fairlearn_ms']:.0f} "
        f"| {row['ratio']:,.0f} | ≥ {found['target']:,}: {met} |"
    )


def _graphics(found: dict[str, Any]) -> str:
    lines = []
    for layout in found["layouts"]:
        there = layout["graphics"]
        if isinstance(there, str):
            return "\nGraphics processor: no GPU on this machine, so the torch kernels were not timed.\n"
        lines.append(
            f"\n{layout['patients']:,} patients on {there['device']}: rates {there['threshold_ms']:.4f} ms, AUROC "
            f"{there['auroc_ms']:.4f} ms per resample, counts drawn beforehand; largest difference to the processor's "
            f"replicates {there['largest_difference']:.0e}.\n"
        )
    return "".join(lines)


def _audit(audit: dict[str, Any] | str) -> str:
    if isinstance(audit, str):
        return f"## A whole audit\n\nNot measured in this run: {audit}.\n"
    many, table = audit["replicates"], audit["estimates"]
    each = 1e3 * many["processor_s"] / audit["resamples"]
    clocks = ("{wall_s:.1f} | {processor_s:.1f}".format(**step) for step in (many, table))
    return f"""## A whole audit

All strata, intersections and measures of `tests/real/nih_cxr_preds`: {audit["targets"]} findings, {audit["cases"]:,}
images of {audit["patients"]:,} patients, {audit["resamples"]:,} patient resamples, one thread.

| step | result | wall, s | processor, s |
| --- | --- | --- | --- |
| every measure in every group and resample | {many["numbers"]:,} values | {next(clocks)} |
| the table of estimates, intervals analytic where they can be | {table["rows"]:,} rows | {next(clocks)} |

{each:.1f} ms of processor a resample for all {many["numbers"] // audit["resamples"]:,} quantities; largest
resident memory {audit["peak_memory_gib"]:.2f} GiB.
"""


def _memory(found: dict[str, Any]) -> str:
    peak = found["peak_memory_gib"]
    met = "met" if peak["whole run"] < peak["target"] else "missed"
    return f"""## Memory

Largest resident memory: {peak["side by side"]:.2f} GiB after the comparison (both libraries in one process),
{peak["whole run"]:.2f} GiB after the runs to 1,000,000 cases. Target: under {peak["target"]:g} GiB: {met}.
"""


def _scaling(found: dict[str, Any]) -> str:
    lines = [
        "## Time against cases and resamples\n",
        "Processor seconds for all 32 groups, drawing, counting and sorting included.\n",
        "| cases | patients | resamples | rates, s | AUROC, s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in found["scaling"]["cases"] + found["scaling"]["resamples"]:
        lines.append(
            f"| {row['cases']:,} | {row['patients']:,} | {row['resamples']:,} | {row['threshold_s']:.3f} "
            f"| {row['auroc_s']:.3f} |"
        )
    exponents = "; ".join(f"{name} {value:.2f}" for name, value in found["exponents"].items())
    return (
        "\n".join(lines)
        + f"""

Exponent of the power law through the points (1 is linear; cases from 10,000 on, below which fixed costs rule):
{exponents}.

![Processor time against cases and resamples](../benchmarks/results/scaling.svg)
"""
    )


def _how(found: dict[str, Any]) -> str:
    effort = found["effort"]
    return f"""## How measured

- Simulated rows: prevalence 10 %, scores with ties, one of 32 groups per patient, one to several rows per patient.
- Ours: {effort["resamples"]:,} resamples of patients by `patient_counts`, then `ratio_replicates` on counts per patient
  and group, or `auroc_replicates` (compiled kernel, one thread) group by group. Drawing the patients, counting and
  sorting are included and divided by the number of resamples; compiling (about two seconds, once) is not. The AUROC row
  and the rates row each pay for the draw, which an audit pays once.
- fairlearn: {effort["fairlearn"]} resamples of rows (it does not know patients), extrapolated per resample: its
  resamples are a loop of equal steps. The time of the same frame without resamples is subtracted first.
- Both in one process, in turns, {effort["repeats"]} times; medians. 'processor' is the time this process computed and
  hardly depends on what else the machine does; 'wall' does.
- fairlearn resamples rows; ours resamples patients, which is the unit of inference. The replicates therefore differ by
  design; the point values must be equal, and the run stops where they are not.
- The torch kernels of `benchmarks/torch_kernels.py` are timed only where CUDA is available.
"""
