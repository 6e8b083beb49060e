"""What an intake found, for machines (every row concerned) and for people (the first few)."""

from __future__ import annotations

import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from audit.attributes.field_strength import derive as nominal
from audit.cases.concerns import Concern, counted
from audit.catalogue import entries
from audit.intake.check import Check
from audit.intake.describing import DESCRIBED, Described, reasons
from audit.intake.gathering import counts_by
from audit.intake.sources import TABLES
from audit.intake.taking_in import Taken
from audit.intake.work import WORK

WIDTH = 110
SHOWN = 5
LEVELS = 6
FATES = {
    "case": "became a case",
    "slice": "became a slice of a volume",
    "double": "repeat a slice",
    "left out": "belong to a series that makes no volume",
    "reference": "hold references (masks, SEG, RTSTRUCT)",
    "header only": "are DICOM without pixels",
    "other": "are no image (tables, texts)",
    "refused": "were refused",
}


def as_dict(taken: Taken) -> dict[str, Any]:
    """The report for machines: counts that add up, attributes, every concern with all rows, every refused file."""
    fates, refused = _fates(taken)
    cases = taken.intake.cases
    checks = [e for e in entries("intake").values() if isinstance(e, Check)]
    return {
        "source": taken.work.source.described,
        "n_cases": len(cases),
        "n_patients": int(cases["patient_id"].nunique()),
        "files": {"all": sum(fates.values())} | dict(fates),
        "refused": refused,
        "attributes": {a.name: _attribute(taken, a) for a in DESCRIBED},
        "modalities": dict(counts_by(cases["modality"])),
        "display": _display(cases),
        "masks": dict(Counter(m.column for m in taken.intake.masks if not m.problem)),
        "boxes": sum(row["label"] != "" for rows in taken.work.boxes.values() for row in rows),
        "assumed": taken.work.assumed,
        "concerns": [_concern(name, concern) for name, concern in taken.concerns],
        "not_assessed": [{"check": name, "reason": reason} for name, reason in taken.not_assessed],
        "checks": [{"check": c.name, "looks_for": c.looks_for, "limits": c.limits, "source": c.source} for c in checks],
    }


def _display(cases: pd.DataFrame) -> dict[str, int]:
    """How many cases ask a display for a window, for a table (VOI LUT sequence) or for another function."""
    windows = int(cases["window_center"].notna().sum()) if "window_center" in cases else 0
    others = counts_by(cases["voi_lut"].dropna()) if "voi_lut" in cases else {}
    return {"window": windows} | dict(others) if windows or others else {}


def _concern(name: str, concern: Concern) -> dict[str, Any]:
    return {
        "check": name,
        "severity": concern.severity,
        "what": concern.what,
        "rows": list(concern.rows),
        "remedy": concern.remedy,
    }


def _fates(taken: Taken) -> tuple[Counter[str], list[dict[str, str]]]:
    fates: Counter[str] = Counter()
    refused: list[dict[str, str]] = []
    for row in taken.work.store.fates():
        fates[row["fate"]] += 1
        if row["fate"] == "refused":
            refused.append({"file": row["path"], "reason": row["reason"]})
    return fates, refused


def _attribute(taken: Taken, about: Described) -> dict[str, Any]:
    cases = taken.intake.cases
    why = Counter(reason for reason in reasons(cases, about) if reason)
    if about.name == "age_years":
        ages = cases["age_years"].dropna().astype(float)
        spread = {"lowest": ages.min(), "median": ages.median(), "highest": ages.max()} if len(ages) else {}
        return {"known": len(ages), "range": spread, "missing": dict(why)}
    known = (nominal(cases) if about.name == "field_strength_t" else cases[about.name]).dropna()
    return {"known": len(known), "levels": dict(counts_by(known)) if len(known) else {}, "missing": dict(why)}


def as_text(taken: Taken, report: dict[str, Any], set_file: str) -> str:
    """The report (from ``as_dict``) for people."""
    out = taken.work.out
    head = (
        f"{counted(report['n_cases'], 'case', 'cases')} of {counted(report['n_patients'], 'patient', 'patients')} "
        f"from {report['source']}"
    )
    blocks = [
        head,
        _files_text(report),
        _refused_text(report, out),
        _attributes_text(report),
        _listed("Assumed", report["assumed"]),
        _concerns_text(report),
        _listed("Not assessed", [f"{n['check']}: {n['reason']}" for n in report["not_assessed"]]),
        _next_text(taken, out, set_file),
    ]
    return "\n\n".join(block for block in blocks if block)


def _files_text(report: dict[str, Any]) -> str:
    counts = report["files"]
    if not counts["all"]:
        return ""
    lines = [f"  {counts[fate]:>7,}  {words}" for fate, words in FATES.items() if counts.get(fate)]
    return "\n".join([f"Files: {counts['all']:,}", *lines])


def _refused_text(report: dict[str, Any], out: Path) -> str:
    refused = report["refused"]
    if not refused:
        return ""
    lines = [_wrapped(f"{r['file']}: {r['reason']}", "  ") for r in refused[: 4 * SHOWN]]
    rest = [f"  and {len(refused) - len(lines)} more, in {out / WORK / 'files.csv'}"] if refused[len(lines) :] else []
    return "\n".join(["Refused, by name:", *lines, *rest])


def _attributes_text(report: dict[str, Any]) -> str:
    known = set(report["modalities"]) - {"unknown"}
    lines = [f"  {'modality':<18}{_levels(report['modalities'])}"] if known else []
    for name, found in report["attributes"].items():
        if not found["known"] and not found["missing"]:
            continue
        if found.get("range"):
            spread = found["range"]
            shown = f"{spread['lowest']:g} to {spread['highest']:g}, median {spread['median']:g}"
        else:
            shown = _levels(found.get("levels", {})) or "-"
        lines.append(_wrapped(f"{name:<18}{shown}", "  ", " " * 20))
        lines += [f"  {'':<18}unknown: {n} ({reason})" for reason, n in found["missing"].items()]
    if report["display"]:
        asked = {"window": "a window", "sequence": "a table (VOI LUT sequence)", "sigmoid": "a sigmoid"}
        told = ", ".join(f"{asked.get(k, k)} {n}" for k, n in report["display"].items())
        lines.append(_wrapped(f"{'display':<18}{told}: for pictures only (VOI LUT)", "  ", " " * 20))
    return "\n".join(["Attributes:", *lines])


def _levels(levels: dict[str, int]) -> str:
    shown = [f"{level} {n}" for level, n in list(levels.items())[:LEVELS]]
    more = len(levels) - LEVELS
    return ", ".join(shown) + (f" and {more} more level{'s' if more > 1 else ''}" if more > 0 else "")


def _concerns_text(report: dict[str, Any]) -> str:
    concerns = report["concerns"]
    if not concerns:
        return "Concerns: none."
    lines = []
    for concern in concerns:
        lines.append(_wrapped(f"{concern['severity']:<6}{concern['check']}: {concern['what']}", "  ", " " * 8))
        rows = concern["rows"]
        if rows:
            more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
            lines.append(_wrapped(f"rows: {', '.join(rows[:SHOWN])}{more}", " " * 8))
        lines.append(_wrapped(f"-> {concern['remedy']}", " " * 8))
    return "\n".join(["Concerns, gravest first:", *lines])


def _listed(title: str, items: list[str]) -> str:
    return "\n".join([f"{title}:", *(_wrapped(item, "  ") for item in items)]) if items else ""


def _next_text(taken: Taken, out: Path, set_file: str) -> str:
    lines = [
        f"The set: {out / 'manifest.csv'}, {out / set_file}; every file: {out / WORK / 'files.csv'}; "
        f"all rows: {out / WORK / 'report.json'}",
    ]
    key = taken.work.options.key or out.with_name(f"{out.name}.key")
    if taken.intake.cases["source_format"].eq("DICOM").any():
        lines.append(
            f"Patients are pseudonyms made with {key}: keep it apart from the set, and give it with --key to every set "
            "(training data too) that is to be compared."
        )
    lines += [f"A table lies among the files: {path} (--table {path})" for path in _tables(taken)]
    lines.append(f"Next: correct the facts in {out / set_file}, then name the set in a plan and run audit lock.")
    return "\n".join(_wrapped(line, "", "  ") for line in lines)


def _tables(taken: Taken) -> list[str]:
    """Tables beside the images, where none was given."""
    if taken.work.options.table or taken.work.source.table:
        return []
    others = (str(r["path"]) for r in taken.work.store.records("other"))
    found = [str(taken.work.source.root / path) for path in others if path.lower().endswith(TABLES)]
    return found[:SHOWN]


def _wrapped(text: str, indent: str, later: str | None = None) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=later or f"{indent}  ",
        break_on_hyphens=False,
        break_long_words=False,
    )
