"""Kinds of evidence that a template may name, and how much of each an audit has.

``full``: the statement exists and every estimate in it is defined; ``part``: some of it; ``none``: nothing,
with who must supply it. A template naming anything else is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from audit.dossier.view import (
    ACCESS,
    ANALYSES,
    CASES,
    DISPOSITIONS,
    ENVIRONMENT,
    ESTIMATES,
    EXPLANATIONS,
    FINDINGS,
    IMPORTANCE,
    LOCK,
    MODEL,
    OBSERVATIONS,
    PLAN,
    SET,
    AuditView,
    EstimateRow,
)
from audit.tables import ALL, UNKNOWN, stratum_column

Extent = Literal["full", "part", "none"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an audit has of one kind: extent, why not more, who must supply the rest, the statement behind it."""

    extent: Extent
    why: str = ""
    owner: str = ""
    statement: str | None = None


VALIDATION = "Validation team"
MEASURING = (
    "bias", "mae", "icc", "limits_of_agreement", "agreement_limit_lower", "agreement_limit_upper", "volume_difference",
    "absolute_volume_error", "relative_volume_difference", "ratio_bias",
)  # fmt: skip
DEVELOPMENT = "Development team"
EXPORTED = "exported"
COUNTED = re.compile(r" \(\d+\)$")
DATA = "Data management"


def _product(kind: str, what: str) -> Callable[[AuditView], Evidence]:
    def probe(view: AuditView) -> Evidence:
        statement = view.statements.get(kind)
        if statement is None:
            return Evidence("none", f"{what} is not in the evidence", VALIDATION)
        return Evidence("full", statement=statement.id)

    return probe


def _table(kind: str, what: str) -> Callable[[AuditView], Evidence]:
    def probe(view: AuditView) -> Evidence:
        found = _product(kind, what)(view)
        if found.extent == "full" and len(view.payload(kind)) == 0:
            return Evidence("none", f"{what} has no rows", VALIDATION)
        return found

    return probe


def _estimates(what: str, keep: Callable[[EstimateRow], bool]) -> Callable[[AuditView], Evidence]:
    def probe(view: AuditView) -> Evidence:
        statement = view.statements.get(ESTIMATES)
        rows = [row for row in view.rows if keep(row)]
        if statement is None or not rows:
            return Evidence("none", f"no {what} stand in the evidence", VALIDATION)
        lacking = [row for row in rows if row.value is None]
        if len(lacking) == len(rows):
            return Evidence("none", f"no {what} could be computed: {lacking[0].undefined}", VALIDATION, statement.id)
        if lacking:
            return Evidence("part", f"some {what} are undefined ({_reasons(lacking)})", VALIDATION, statement.id)
        return Evidence("full", statement=statement.id)

    return probe


def _reasons(rows: Iterable[EstimateRow]) -> str:
    """The most frequent reason, without how many it counted; whether there are others."""
    counted = Counter(COUNTED.sub("", (row.undefined or "no value").partition(";")[0]) for row in rows)
    ((most, _),) = counted.most_common(1)
    return f"{most}; {len(counted) - 1} more reasons" if len(counted) > 2 else "; ".join(counted)


def _locked(view: AuditView) -> Evidence:
    statement = view.statements.get(LOCK)
    if view.mode == "exploratory" or statement is None:
        return Evidence("none", f"no plan was locked before inference: {view.mode_reason}", VALIDATION)
    if view.recorded_predictions:
        return Evidence("part", "the plan was locked, but the predictions existed before", VALIDATION, statement.id)
    return Evidence("full", statement=statement.id)


def _endpoints(view: AuditView) -> Evidence:
    statement = view.statements.get(FINDINGS)
    if statement is None or not view.findings:
        return Evidence("none", "no endpoint was judged", VALIDATION)
    if any(each.verdict == "not assessed" and each.role != "descriptive" for each in view.findings):
        return Evidence("part", "at least one endpoint was not assessed", VALIDATION, statement.id)
    return Evidence("full", statement=statement.id)


def _training_digest(view: AuditView) -> Evidence:
    statement = view.statements.get(MODEL)
    if statement is None or view.candidate.training_set_digest is None:
        return Evidence("none", "the training set's digest is not recorded with the model version", DEVELOPMENT)
    return Evidence("full", statement=statement.id)


def _leakage(view: AuditView) -> Evidence:
    statement = view.statements.get(SET)
    if statement is None or not any(each.facts.get("training_sets") for each in view.sets):
        why = "no training manifest was supplied, so patient overlap was not searched for"
        return Evidence("none", why, DEVELOPMENT)
    return Evidence("full", statement=statement.id)


def _equipment(view: AuditView) -> Evidence:
    statement = view.statements.get(CASES)
    column = stratum_column("manufacturer")
    if statement is None or column not in view.cases:
        return Evidence("none", "the scanners' manufacturers are not recorded", VALIDATION)
    levels = set(view.cases[column].dropna()) - {UNKNOWN}
    if len(levels) < 2:
        return Evidence("part", "the set holds one manufacturer only", VALIDATION, statement.id)
    return Evidence("full", statement=statement.id)


def _reference(view: AuditView) -> Evidence:
    statement = view.statements.get(SET)
    kinds = [(each.facts.get("reference") or {}).get("kind") for each in view.sets]
    if statement is None or not all(kinds):
        return Evidence("none", "the kind of reference standard is not stated in set.yaml", VALIDATION)
    if any(kind in ("single_reader", "report_mining") for kind in kinds):
        return Evidence(
            "part", "the reference is no reference standard (one reader, or mined)", VALIDATION, statement.id
        )
    return Evidence("full", statement=statement.id)


def _repeatability(view: AuditView) -> Evidence:
    statement = view.statements.get(ANALYSES)
    mine = view.analyses[view.analyses["analysis"] == "repeatability"] if len(view.analyses) else view.analyses
    if statement is None or not len(mine) or bool((mine["target"] == ALL).all()):
        return Evidence("none", "no repeated acquisitions are part of the validation set", VALIDATION)
    if not bool(mine["value"].notna().any()):
        why = f"repeat acquisitions give no precision: {mine['undefined'].iloc[0]}"
        return Evidence("none", why, VALIDATION, statement.id)
    if bool(mine["value"].isna().any()):
        return Evidence("part", "precision is undefined in some groups or quantities", VALIDATION, statement.id)
    return Evidence("full", statement=statement.id)


def _representativeness(view: AuditView) -> Evidence:
    statement = view.statements.get(ANALYSES)
    mine = view.analyses[view.analyses["analysis"] == "representativeness"] if len(view.analyses) else view.analyses
    if statement is None or not len(mine) or not bool(mine["value"].notna().any()):
        why = "set.yaml states no target population, so the set was not compared with one"
        return Evidence("none", why, VALIDATION)
    return Evidence("full", statement=statement.id)


def _reader_agreement(view: AuditView) -> Evidence:
    statement = view.statements.get(ANALYSES)
    mine = view.analyses[view.analyses["analysis"] == "readers"] if len(view.analyses) else view.analyses
    if statement is None or not len(mine) or not bool(mine["value"].notna().any()):
        return Evidence("none", "the set holds no readings of several readers, so their agreement is unknown", DATA)
    return Evidence("full", statement=statement.id)


def _absent(why: str, owner: str) -> Callable[[AuditView], Evidence]:
    return lambda _view: Evidence("none", why, owner)


def _plain(row: EstimateRow) -> bool:
    """Of the candidate's performance; explanation quality (target '<target>: <method>') answers no such clause."""
    return row.kind == "value" and row.version == "candidate" and ": " not in row.target


def _statistical_data(view: AuditView) -> Evidence:
    """The last export that was made from today's estimates."""
    today = view.statements.get(ESTIMATES)
    made = [one for one in view.ledger if one.kind == EXPORTED and today is not None and today.id in one.inputs]
    if not made:
        return Evidence("none", "no statistical data were exported from these estimates (audit export)", VALIDATION)
    return Evidence("full", statement=made[-1].id)


PROBES: Mapping[str, Callable[[AuditView], Evidence]] = MappingProxyType(
    {
        "plan": _product(PLAN, "the plan"),
        "locked plan": _locked,
        "validation set": _product(SET, "the validation set's description"),
        "reference standard": _reference,
        "training set digest": _training_digest,
        "leakage search": _leakage,
        "cases": _table(CASES, "the case table"),
        "equipment": _equipment,
        "case flow": _table(DISPOSITIONS, "the case flow"),
        "observations": _table(OBSERVATIONS, "the table of observations"),
        "model version": _product(MODEL, "the model version"),
        "environment": _product(ENVIRONMENT, "the record of software and hardware"),
        "accesses": _product(ACCESS, "the list of accesses to the set"),
        "endpoints": _endpoints,
        "overall estimates": _estimates("overall estimates", lambda row: _plain(row) and row.is_overall),
        "subgroup estimates": _estimates("subgroup estimates", lambda row: _plain(row) and not row.is_overall),
        "contrasts": _estimates("differences between groups", lambda row: row.kind == "contrast"),
        "change between versions": _estimates("changes between versions", lambda row: row.kind == "change"),
        "worst case": _estimates("worst-case estimates", lambda row: row.kind == "worst case"),
        "robustness": _estimates(
            "estimates on altered images", lambda row: row.kind == "value" and row.version.startswith("candidate + ")
        ),
        "calibration": _estimates(
            "calibration estimates",
            lambda row: _plain(row) and row.is_overall and row.measure.startswith("calibration"),
        ),
        "statistical data": _statistical_data,
        "explanations": _table(EXPLANATIONS, "the table of explained cases"),
        "importance": _table(IMPORTANCE, "the importance of case features"),
        "reader study": _absent("no reader study is part of this audit", "Clinical affairs"),
        "repeatability": _repeatability,
        "reader agreement": _reader_agreement,
        "training characteristics": _absent(
            "a run holds the digest of the training set, not its make-up; describe it by sex, age, site and equipment",
            DEVELOPMENT,
        ),
        "origin of cases": _absent("no column of the set tells internal from external cases", DATA),
        "severity": _absent("no column of the set is declared to be the severity of the condition", DATA),
        "alternative diagnoses": _absent("no column of the set codes other diagnoses", DATA),
        "time to reference": _absent("the set does not record the time between image and reference", DATA),
        "truth before output": _absent(
            "set.yaml does not say that no reference was changed after output was seen", DATA
        ),
        "reference database": _absent("no reference (normative) database is part of the evidence", DATA),
        "adversarial tests": _absent("no adversarial or corrupted-input test is part of this audit", "Security"),
        "predictive values": _estimates(
            "predictive values", lambda row: _plain(row) and row.is_overall and row.measure.startswith(("ppv", "npv"))
        ),
        "measurement agreement": _estimates(
            "estimates of agreement in the unit of a measurement",
            lambda row: _plain(row) and row.is_overall and row.measure in MEASURING,
        ),
        "triage times": _estimates(
            "times to notification", lambda row: _plain(row) and row.measure.startswith("notification")
        ),
        "representativeness": _representativeness,
        "earlier versions": _estimates("changes against an earlier version", lambda row: row.kind == "change"),
    }
)
