"""How uncertain single decisions are, group by group: coverage of conformal sets, spread over augmented copies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.case_values import CaseValues, case_values, decision_table, mean_row, plain_groups, share_row
from audit.analyses.study import Study
from audit.decision_tables import UNCERTAINTY
from audit.measures.groups import Group
from audit.records import Undefined
from audit.statistics.roc_score import auroc_over_patients
from audit.statistics.roc_sums import patient_sums

SETS, COPIES = "conformal set", "augmented copies"
KEPT, BELOW, COMPATIBLE = "kept", "below what was promised", "compatible with what was promised"


def run(study: Study) -> list[Row]:
    """Every version with uncertain decisions on record, overall and by level of every stratum."""
    asked = study.plan.uncertainty
    if asked is None:
        return [missing(About("set"), "uncertainty", "not assessed: the plan asks for none", "not assessed")]
    table = decision_table(study, UNCERTAINTY)
    rows: list[Row] = []
    for version in study.plan.versions:
        mine = table[(table["version"] == version) & (table["target"] == asked.target)]
        if asked.conformal is not None:
            rows += _sets(study, version, asked.target, mine, 1 - asked.conformal.error_rate)
        if mine["copies"].notna().any():
            rows += _spread(study, version, asked.target, mine)
    return rows


def _sets(study: Study, version: str, target: str, table: pd.DataFrame, promised: float) -> Iterator[Row]:
    evaluated = table[table["part"] == "evaluated"]
    broken = evaluated["undefined"].dropna()
    if len(broken) and not evaluated["covered"].notna().any():
        yield missing(About(version, target, SETS), "coverage", str(broken.iloc[0]).split(";")[0])
        return
    reference = study.sample(version, target).rows.columns["reference"]
    covered = case_values(study, version, target, evaluated, "covered")
    labels = evaluated["with_positive"].astype(float) + evaluated["with_negative"].astype(float)
    number = case_values(study, version, target, evaluated.assign(labels=labels), "labels")
    for group in plain_groups(study):
        yield _judged(share_row(covered, SETS, "coverage", group), promised)
        for name, side in (("reference-positive", 1.0), ("reference-negative", 0.0)):
            one = _where(covered, reference == side)
            yield _judged(share_row(one, SETS, f"coverage, {name}", group), promised)
        yield share_row(_is(number, 2), SETS, "undecided: both answers in the set", group)
        yield share_row(_is(number, 0), SETS, "strange: no answer in the set", group)


def _judged(row: Row, promised: float) -> Row:
    if row["low"] is None:
        return row
    verdict = BELOW if row["high"] < promised else KEPT if row["low"] >= promised else COMPATIBLE
    return {**row, "verdict": f"{verdict} ({promised:g})"}


def _where(values: CaseValues, keep: np.ndarray) -> CaseValues:
    return CaseValues(values.study, values.version, values.target, np.where(keep, values.values, np.nan))


def _is(values: CaseValues, wanted: float) -> CaseValues:
    found = np.where(values.known, (values.values == wanted).astype(float), np.nan)
    return CaseValues(values.study, values.version, values.target, found)


def _spread(study: Study, version: str, target: str, table: pd.DataFrame) -> Iterator[Row]:
    spread = case_values(study, version, target, table, "spread")
    turned = case_values(study, version, target, table, "turned")
    any_turned = np.where(turned.known, (turned.values > 0).astype(float), np.nan)
    for group in plain_groups(study):
        yield mean_row(spread, COPIES, "spread of the score", group)
        yield share_row(CaseValues(study, version, target, any_turned), COPIES, "decisions that any copy turns", group)
        yield mean_row(turned, COPIES, "copies with another decision", group)
        if group.attribute == "overall":
            yield _tells(study, spread, group)


def _tells(study: Study, spread: CaseValues, group: Group) -> Row:
    """Whether wrong decisions have the larger spread: AUROC of the spread for being wrong."""
    quantity = "AUROC of the spread for wrong decisions"
    columns = study.sample(spread.version, spread.target).rows.columns
    known = spread.known & np.isfinite(columns["decision"]) & np.isfinite(columns["reference"])
    wrong = (columns["decision"] != columns["reference"])[known]
    about = spread.about(COPIES, group)
    errors = int(wrong.sum())
    if min(errors, wrong.size - errors) < study.plan.too_few:
        return missing(about, quantity, f"{errors} wrong decisions among {wrong.size}: fewer than {study.plan.too_few}")
    sums = patient_sums((spread.values[known],), wrong.astype(float), study.order.patient[known])
    if isinstance(sums, Undefined):
        return missing(about, quantity, sums.reason)
    return stated(about, quantity, float(sums.value[0]), auroc_over_patients(sums, study.plan.confidence))


ENTRY = Analysis(
    name="uncertainty",
    title="Uncertainty of single decisions",
    question="Do prediction sets hold the reference as often as promised in every group, and whose decisions waver?",
    source="Vovk, ACML 2012 (per class); Wang et al., Neurocomputing 2019;338:34 (test-time augmentation)",
    run=run,
)
