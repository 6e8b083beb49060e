"""Everything a document may cite, gathered once by ``run.py`` from the evidence; a document reads nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from audit.dossier.device import Device
from audit.plan import Plan
from audit.records import Finding, ModelVersion, SignOff, Statement
from audit.tables import ALL, CURVES, OVERALL

PLAN, LOCK, SET, MODEL, ENVIRONMENT, ACCESS = "plan", "lock", "set", "model", "environment", "accesses"
CASES, DISPOSITIONS, OBSERVATIONS, ESTIMATES = "cases", "dispositions", "observations", "estimates"
FINDINGS, IMPORTANCE, EXPLANATIONS = "findings", "importance", "explanations"
ANALYSES, DETERMINISM, RATIONALES = "analyses", "determinism", "rationales"
EXPLANATION_VERDICTS, MAP_AGREEMENT = "explanation_verdicts", "map_agreement"
CITABLE = (
    PLAN, LOCK, SET, MODEL, ENVIRONMENT, ACCESS, CASES, DISPOSITIONS, OBSERVATIONS, ESTIMATES, FINDINGS,
    IMPORTANCE, EXPLANATIONS, ANALYSES, DETERMINISM, RATIONALES,
    EXPLANATION_VERDICTS, MAP_AGREEMENT,
)  # fmt: skip
OF_TARGET = "unit of the target"


@dataclass(frozen=True, slots=True)
class SetView:
    """One validation set: ``facts`` as its set.yaml has them, ``sha256`` over its full content."""

    name: str
    version: str
    licence: str
    facts: Mapping[str, Any]
    sha256: str


@dataclass(frozen=True, slots=True)
class ConcernView:
    """One concern of the intake check: how serious, what, how many rows, what to do."""

    severity: str
    what: str
    rows: int
    remedy: str


@dataclass(frozen=True, slots=True)
class MeasureFacts:
    """What a reader needs to interpret a measure; ``low`` and ``high`` bound its range where it has bounds."""

    name: str
    title: str
    unit: str = ""
    direction: str = "higher"
    source: str = ""
    low: float | None = 0.0
    high: float | None = 1.0
    agreement_title: str = ""


GAPS: Mapping[str, MeasureFacts] = {
    name: MeasureFacts(name, title, "proportion", "lower", source)
    for name, title, source in (
        ("equalized_odds_difference", "equalized odds difference", "Hardt, Price & Srebro, NeurIPS 2016; fairlearn"),
        ("selection_rate_difference", "selection rate difference", "demographic parity: fairlearn MetricFrame"),
    )
}


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """One row of ESTIMATES with plain Python values; a missing value is None."""

    estimate_id: str
    kind: str
    version: str
    measure: str
    target: str
    attribute: str
    level: str
    baseline: str | None
    value: float | None
    low: float | None
    high: float | None
    confidence: float
    method: str | None
    n_patients: int
    n_cases: int
    n_events: int | None
    n_failed: int
    n_undefined_resamples: int | None
    undefined: str | None

    @property
    def is_overall(self) -> bool:
        return self.attribute == OVERALL and self.level == ALL


@dataclass(frozen=True, kw_only=True)
class AuditView:
    """One audit as its documents see it.

    ``statements`` maps a kind of ``CITABLE`` to the statement that holds that product; a kind without a statement
    cannot be cited. ``ledger`` lists every statement of the audit for the appendix. ``pictures`` maps the relative
    paths of EXPLANATIONS.overlay to PNG bytes, ``shown`` to the path of these bytes where they bear a mark; cases in
    ``hidden`` (of sequestered sets) are not shown one by one. ``environment`` is the producer mapping of the run.
    ``erasures`` says, sentence by sentence, what was erased.
    """

    audit_id: str
    run_id: str
    plan: Plan
    plan_sha256: str
    mode: Literal["confirmatory", "exploratory"]
    mode_reason: str
    recorded_predictions: bool
    locked_at: str | None
    accesses: pd.DataFrame
    sets: tuple[SetView, ...]
    concerns: tuple[ConcernView, ...]
    candidate: ModelVersion
    comparator: ModelVersion | None
    cases: pd.DataFrame
    dispositions: pd.DataFrame
    observations: pd.DataFrame
    estimates: pd.DataFrame
    importance: pd.DataFrame
    explanations: pd.DataFrame
    findings: tuple[Finding, ...]
    verdict: str
    verdict_sentence: str
    pictures: Mapping[str, bytes]
    statements: Mapping[str, Statement]
    ledger: tuple[Statement, ...]
    ledger_root: str
    device: Device | None
    simulated: bool
    environment: Mapping[str, Any]
    created: str
    signed: str = ""
    measures: Mapping[str, MeasureFacts] = field(default_factory=dict)
    locked: Mapping[str, Any] = field(default_factory=dict)
    analyses: pd.DataFrame = field(default_factory=pd.DataFrame)
    curves: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(CURVES.columns)))
    determinism: tuple[Mapping[str, Any], ...] = ()
    hidden: frozenset[str] = frozenset()
    rationales: pd.DataFrame = field(default_factory=pd.DataFrame)
    sign_offs: tuple[SignOff, ...] = ()
    explanation_verdicts: pd.DataFrame = field(default_factory=pd.DataFrame)
    map_agreement: pd.DataFrame = field(default_factory=pd.DataFrame)
    erasures: tuple[str, ...] = ()
    shown: Mapping[str, str] = field(default_factory=dict)

    def map_verdict(self, version: str, target: str, method: str) -> tuple[str, str] | None:
        """Verdict and sanity check of a method's maps; None for an audit that did not examine them."""
        frame = self.explanation_verdicts
        keys = {"version": version, "target": target, "method": method}
        for row in frame.to_dict("records"):
            if all(row[name] == value for name, value in keys.items()):
                return str(row["verdict"]), str(row["sanity"])
        return None

    @cached_property
    def rows(self) -> tuple[EstimateRow, ...]:
        """Every estimate, in the order of the table."""
        frame = self.estimates.astype(object).where(self.estimates.notna(), None)
        names = list(EstimateRow.__dataclass_fields__)
        return tuple(EstimateRow(*row) for row in frame[names].itertuples(index=False, name=None))

    @cached_property
    def by_id(self) -> Mapping[str, EstimateRow]:
        """Every estimate by its key."""
        return {row.estimate_id: row for row in self.rows}

    @cached_property
    def plain(self) -> Mapping[tuple[str, str, str, str, str], EstimateRow]:
        """Plain estimates (kind 'value') by version, measure, target, attribute and level."""
        return {
            (row.version, row.measure, row.target, row.attribute, row.level): row
            for row in self.rows
            if row.kind == "value"
        }

    @cached_property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Attribute -> its levels that have estimates, in the order of the table."""
        found: dict[str, dict[str, None]] = {}
        for row in self.rows:
            if row.kind == "value":
                found.setdefault(row.attribute, {})[row.level] = None
        return {attribute: tuple(names) for attribute, names in found.items()}

    @cached_property
    def analysis_rows(self) -> tuple[Mapping[str, Any], ...]:
        """Every row of ANALYSES with plain Python values; a missing value is None."""
        frame = self.analyses.astype(object).where(self.analyses.notna(), None)
        return tuple({str(name): value for name, value in row.items()} for row in frame.to_dict("records"))

    @cached_property
    def _analyses_by_id(self) -> Mapping[str, Mapping[str, Any]]:
        return {row["analysis_id"]: row for row in self.analysis_rows}

    def analysis(self, analysis_id: str | None) -> Mapping[str, Any] | None:
        """A row of ANALYSES by its key, with plain Python values."""
        return self._analyses_by_id.get(analysis_id or "")

    def stated(self, file: str) -> Statement | None:
        """The last statement that holds ``file`` (a path inside the audit), or None where none does."""
        return next((each for each in reversed(self.ledger) if file in each.subjects), None)

    @property
    def markets(self) -> tuple[str, ...]:
        """Where the device is or shall be marketed: 'eu', 'us'; both where nobody says."""
        return self.device.markets if self.device else ("eu", "us")

    @property
    def versions(self) -> Mapping[str, ModelVersion]:
        """'candidate', then 'comparator' where there is one."""
        known = {"candidate": self.candidate, "comparator": self.comparator}
        return {name: version for name, version in known.items() if version is not None}

    def measure(self, name: str) -> MeasureFacts:
        """Facts of a measure under the words its reference allows; an unknown one is called by its own name.

        Against one reader or mined labels there is agreement, not accuracy (FDA 2007, section 6(1)).
        """
        facts = self.measures.get(name) or GAPS.get(name) or MeasureFacts(name, name.replace("_", " "))
        agreed = "" if self.has_standard else facts.agreement_title
        return replace(facts, title=agreed) if agreed else facts

    @cached_property
    def has_standard(self) -> bool:
        """Whether the truth of every set is a reference standard: neither one reader nor mined from reports."""
        kinds = {(each.facts.get("reference") or {}).get("kind") for each in self.sets}
        return not kinds & {"single_reader", "report_mining"}

    def unit(self, measure: str, target: str) -> str:
        """The measure's unit; for quantities in the unit of their target, the plan's."""
        unit, known = self.measure(measure).unit, self.plan.targets.get(target)
        return known.unit or unit if unit == OF_TARGET and known is not None else unit

    @cached_property
    def _payloads(self) -> Mapping[str, Any]:
        return {
            PLAN: self.plan.model_dump(mode="json"),
            LOCK: {"at": self.locked_at, "plan_sha256": self.plan_sha256, "mode": self.mode, **self.locked},
            SET: {each.name: asdict(each) for each in self.sets},
            MODEL: {name: asdict(version) for name, version in self.versions.items()},
            ENVIRONMENT: dict(self.environment),
            ACCESS: self.accesses,
            CASES: self.cases,
            DISPOSITIONS: self.dispositions,
            OBSERVATIONS: self.observations,
            ESTIMATES: self.estimates,
            FINDINGS: [asdict(finding) for finding in self.findings],
            IMPORTANCE: self.importance,
            EXPLANATIONS: self.explanations,
            ANALYSES: self.analyses,
            RATIONALES: self.rationales,
            EXPLANATION_VERDICTS: self.explanation_verdicts,
            MAP_AGREEMENT: self.map_agreement,
            DETERMINISM: {"results": self.determinism},
        }

    def payload(self, kind: str) -> Any:
        """The product a statement of ``kind`` holds: a table, or mappings and lists as in JSON."""
        return self._payloads[kind]
