"""``audit export``: the statistical data of an audit for a reviewer, with a dictionary and a way to the printed result.

FDA, eCopy Program for Medical Device Submissions (3 December 2025), attachment 1, D: statistical data, zipped, in a
structured format that common statistics packages read. Cases of sequestered sets go along in the role of assessment
alone, and that is registered as a showing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from audit.dossier.probes import EXPORTED
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore
from audit.exports.csv_text import csv_bytes
from audit.exports.dataset import STRATUM, analysis_data
from audit.exports.dictionary import COLUMNS, Exported, dictionary
from audit.measures.choice import known_measures
from audit.plan import Endpoint, Plan
from audit.records import BadInput, Statement
from audit.sequestering import withheld
from audit.tables import CASES, DISPOSITIONS, ESTIMATES, OBSERVATIONS, OVERALL
from audit.tabulating import stored_plan

ANALYSIS_FILE, ESTIMATES_FILE = "analysis_data.csv", "estimates.csv"
DICTIONARY_FILE, README = "data_dictionary.csv", "README.md"
PURPOSE = "in a statistical data export"
SOURCES = (CASES, DISPOSITIONS, OBSERVATIONS, ESTIMATES)


@dataclass(frozen=True, slots=True)
class Export:
    """Where the files were written, how many rows and withheld cases there are, the statement of their digests."""

    folder: Path
    files: tuple[str, ...]
    rows: int
    withheld: int
    statement: str


def export(store: AuditStore, folder: Path, role: str, who: str, at: str) -> Export:
    """Writes data set, estimates, dictionary and README into ``folder``, which must be new, and states their digests.

    The same evidence gives the same bytes.
    """
    if store.state != "complete":
        state = store.state or "not started"
        raise BadInput(f"audit {store.audit_id} is {state}; run 'audit run PLAN' to the end first.")
    if folder.exists():
        raise BadInput(f"{folder} exists already; give a new folder with --to, nothing is overwritten.")
    cases = store.read_table(CASES)
    hidden = withheld(store, cases["case_id"].astype(str), role, PURPOSE, who, at)
    inputs = [store.subjects()[f"tables/{table.name}.parquet"] for table in SOURCES]
    data = analysis_data(cases, store.read_table(DISPOSITIONS), store.read_table(OBSERVATIONS), store.audit_id, hidden)
    files = _files(store, data, inputs, len(hidden))
    _write(folder, files)
    body = {"rows": len(data), "withheld": len(hidden), "role": role, "who": who}
    stated = store.state_that(EXPORTED, {f"export:{name}": sha256(each) for name, each in files.items()}, inputs, body)
    return Export(folder, tuple(files), len(data), len(hidden), stated.id)


def _files(store: AuditStore, data: pd.DataFrame, inputs: list[Statement], hidden: int) -> dict[str, bytes]:
    names = {each.kind: f"{each.kind} (statement {each.id})" for each in inputs}
    estimates = store.read_table(ESTIMATES)
    rows = "; ".join(names[table.name] for table in (CASES, DISPOSITIONS, OBSERVATIONS))
    described = (Exported(ANALYSIS_FILE, data, rows), Exported(ESTIMATES_FILE, estimates, names[ESTIMATES.name]))
    return {
        ANALYSIS_FILE: csv_bytes(data),
        ESTIMATES_FILE: csv_bytes(estimates),
        DICTIONARY_FILE: csv_bytes(dictionary(described)),
        README: _readme(store, stored_plan(store), len(data), hidden).encode("utf-8"),
    }


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """All files or none: they are put together under another name first."""
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    try:
        unfinished.mkdir(parents=True)
        for name, data in files.items():
            (unfinished / name).write_bytes(data)
        unfinished.rename(folder)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written ({error.strerror}); give a folder that can be made.") from error


# ---- the README

TEXT = """\
# Statistical data of audit {audit}

{title}

- `{data}`: {rows} rows, one per version, target and case, with what became of it.
- `{estimates}`: every estimate with interval, method and counts; `estimate_id` is its address in the documents.
- `{dictionary}`: every column of both files; its own columns are {columns}.

CSV (RFC 4180), UTF-8, '.' as the decimal sign. An empty cell is a missing value, and the dictionary says why. Text
that a spreadsheet would run as a formula stands behind an apostrophe. Subjects and cases bear pseudonyms of this
export; the key to them stays with the evidence. For an eCopy, zip this folder into STATISTICAL DATA.
{withheld}
## To compute the primary endpoints again

{steps}

Compare with the row of `{estimates}` of that version, measure, target and group with `kind` = value. Intervals resample
subjects, not cases: `method` names how; the audit's plan holds seed and number of resamples.
"""
WITHHELD = "\n{0} cases of sequestered sets are withheld: what rests on all cases cannot be computed from here.\n"
STEP = (
    "- {id}: take the rows with `version` = candidate, `target` = {target}{group} and `fate` = analysed; {measure} is "
    "{how}{unit}."
)
HOW: Mapping[str, str] = {
    "sensitivity": "the mean of `decision` over the rows with `reference` = 1",
    "specificity": "1 minus the mean of `decision` over the rows with `reference` = 0",
    "auroc": "the share of pairs of a row with `reference` = 1 and one with `reference` = 0 in which the first has the "
    "higher `score`, ties as one half",
}
"""How a measure is computed from the analysis data set; others are described by their own source."""


def _readme(store: AuditStore, plan: Plan, rows: int, hidden: int) -> str:
    known = {each.name: each.source for each in known_measures(plan)}
    primary = [each for each in plan.endpoints if each.role == "primary"]
    return TEXT.format(
        audit=store.audit_id,
        title=plan.title,
        data=ANALYSIS_FILE,
        rows=rows,
        estimates=ESTIMATES_FILE,
        dictionary=DICTIONARY_FILE,
        columns=", ".join(COLUMNS),
        withheld=WITHHELD.format(hidden) if hidden else "",
        steps="\n".join(_step(each, known) for each in primary) or "The plan has no primary endpoint.",
    )


def _step(endpoint: Endpoint, sources: Mapping[str, str]) -> str:
    attribute, level = endpoint.group.attribute, endpoint.group.level
    where = "" if attribute == OVERALL else f", `{STRATUM}{attribute}` = {level}"
    unit = " (the plan's unit of analysis is the patient)" if endpoint.unit_of_analysis == "patient" else ""
    how = HOW.get(endpoint.measure, f"computed after {sources.get(endpoint.measure, 'the plan')}")
    name, measure, target = endpoint.id, endpoint.measure, endpoint.target
    return STEP.format(id=name, target=target, group=where, measure=measure, how=how, unit=unit)
