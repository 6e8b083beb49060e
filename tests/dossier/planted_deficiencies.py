"""For each question of ``dossier/deficiencies/``: an audit that has it, its twin without it, one that cannot tell.

Each is given as a change of the example audit; None for the third where evidence always tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from dossier_example import a_plan, make_view

from audit.dossier.device import Declaration
from audit.dossier.view import AuditView, ConcernView
from audit.tables import ANALYSES, DISPOSITIONS, NO_REFERENCE

Change = Callable[[AuditView], AuditView]


@dataclass(frozen=True)
class Plant:
    """Changes that plant a deficiency, leave it out, and take away what would tell; ``words`` stand in the finding."""

    planted: Change
    clean: Change
    untold: Change | None
    words: str


def same(view: AuditView) -> AuditView:
    return view


def facts(**changes: Any) -> Change:
    """Other facts of the set."""
    return lambda view: replace(view, sets=(replace(view.sets[0], facts={**view.sets[0].facts, **changes}),))


def device(**changes: Any) -> Change:
    return lambda view: replace(view, device=view.device.model_copy(update=changes))


def of_plan(**changes: Any) -> Change:
    """The plan with other keys, as its YAML would have them."""
    return lambda view: replace(view, plan=a_plan(**changes))


def column(name: str, values: Any) -> Change:
    """A case column with one value for all, or a list of values taken in turn."""

    def change(view: AuditView) -> AuditView:
        turn = values if isinstance(values, list) else [values]
        return replace(view, cases=view.cases.assign(**{name: [turn[i % len(turn)] for i in range(len(view.cases))]}))

    return change


def without_columns(*names: str) -> Change:
    return lambda view: replace(view, cases=view.cases.drop(columns=list(names), errors="ignore"))


def without_statement(kind: str) -> Change:
    return lambda view: replace(view, statements={k: v for k, v in view.statements.items() if k != kind})


def estimates(keep: Callable[[pd.DataFrame], pd.Series]) -> Change:
    return lambda view: replace(view, estimates=view.estimates[keep(view.estimates)].reset_index(drop=True))


def fate(name: str, reason: str | None) -> Change:
    """The example's lost cases under another fate."""

    def change(view: AuditView) -> AuditView:
        frame = view.dispositions.copy()
        lost = frame["fate"] != "analysed"
        frame.loc[lost, ["fate", "reason"]] = [name, reason]
        return replace(view, dispositions=DISPOSITIONS.conform(frame))

    return change


def no_dispositions(view: AuditView) -> AuditView:
    return replace(view, dispositions=view.dispositions.iloc[:0])


def no_cases(view: AuditView) -> AuditView:
    return replace(view, cases=view.cases.iloc[:0])


def accesses(times: int) -> Change:
    def change(view: AuditView) -> AuditView:
        started = view.accesses[view.accesses["event"] == "run started"]
        locks = view.accesses[view.accesses["event"] == "lock"]
        return replace(view, accesses=pd.concat([locks, *[started] * times], ignore_index=True))

    return change


def analysis(name: str, value: float | None) -> Change:
    """A table of analyses with one row."""
    row = {**dict.fromkeys(ANALYSES.columns), "analysis_id": "A1", "analysis": name, "version": "candidate"}
    row |= {"target": "lesion", "measure": "dice", "attribute": "overall", "level": "all", "quantity": "q"}
    row |= {"value": value, "n_patients": 40, "n_cases": 60, "undefined": None if value is not None else "nothing"}
    return lambda view: replace(view, analyses=ANALYSES.conform(pd.DataFrame([row])))


def concern(words: str, severity: str = "serious") -> Change:
    return lambda view: replace(view, concerns=(ConcernView(severity, words, 3, "mend it"),))


def both(*changes: Change) -> Change:
    def change(view: AuditView) -> AuditView:
        for each in changes:
            view = each(view)
        return view

    return change


def findings(verdict: str) -> Change:
    """Every finding with this verdict."""
    return lambda view: replace(view, findings=tuple(replace(each, verdict=verdict) for each in view.findings))


def declared(requirement: str) -> Change:
    text = Declaration.model_validate({"text": "Justified.", "author": "Biostatistics", "date": "2026-11-02"})
    return device(declared={requirement: text})


def corvid_short(view: AuditView) -> AuditView:
    """The candidate's specificity on one maker below the limit, whole set above."""
    frame = view.estimates.copy()
    rows = (frame["version"] == "candidate") & (frame["measure"] == "specificity") & (frame["level"] == "Corvid")
    frame.loc[rows & (frame["kind"] == "value"), ["value", "low", "high"]] = [0.71, 0.62, 0.79]
    return replace(view, estimates=frame)


def judged(verdict: str) -> Change:
    """Every method of every version with the same verdict on its maps."""
    keys = ["version", "target", "method"]
    frame = lambda view: view.explanations[keys].drop_duplicates().assign(verdict=verdict, sanity="", reasons="")  # noqa: E731
    return lambda view: replace(view, explanation_verdicts=frame(view))


def endpoints(**changes: Any) -> Change:
    """The plan with the same change on each of its endpoints."""

    def change(view: AuditView) -> AuditView:
        changed = tuple(each.model_copy(update=changes) for each in view.plan.endpoints)
        return replace(view, plan=view.plan.model_copy(update={"endpoints": changed}))

    return change


def target(**changes: Any) -> Change:
    """The classification target with other keys."""

    def change(view: AuditView) -> AuditView:
        changed = {**view.plan.targets, "lesion": view.plan.targets["lesion"].model_copy(update=changes)}
        return replace(view, plan=view.plan.model_copy(update={"targets": changed}))

    return change


def chosen_on(name: str) -> Change:
    point = make_view().plan.targets["lesion"].operating_point.model_copy(update={"chosen_on": name})
    return target(operating_point=point)


def predictive_value(view: AuditView) -> AuditView:
    frame = view.estimates.copy()
    frame.loc[frame["measure"] == "calibration_slope", "measure"] = "ppv"
    return replace(view, estimates=frame)


def version(**changes: Any) -> Change:
    return lambda view: replace(
        view, candidate=replace(view.candidate, **changes), comparator=replace(view.comparator, **changes)
    )


def passed_twice(within: bool) -> Change:
    one = {"version": "candidate", "target": "lesion", "largest_difference": 0.25, "tolerance": 0.0, "within": within}
    return lambda view: replace(view, determinism=(one,))


def unplanned(view: AuditView) -> AuditView:
    plan = view.plan.model_copy(update={"endpoints": ()})
    return replace(view, plan=plan, findings=())


SITES = {"stratum:site": ["Northfield", "Harbour"]}
TRUTHERS = {"number": 3, "qualification": "radiologists", "blinding": "", "combination": "majority"}
PLANTS: dict[str, Plant] = {
    "one manufacturer": Plant(
        column("stratum:manufacturer", "Aurelia"), same, without_columns("stratum:manufacturer"), "Aurelia"
    ),
    "one site": Plant(column("stratum:site", "Northfield"), column("stratum:site", SITES["stratum:site"]), same,
                      "Northfield"),
    "no site in target country": Plant(
        facts(countries=("DE",)), facts(countries=("DE", "US")), device(target_countries=()), "US"
    ),
    "sites overlap": Plant(
        both(column("stratum:site", SITES["stratum:site"]), device(development_sites=("harbour", "Bergen"))),
        both(column("stratum:site", SITES["stratum:site"]), device(development_sites=("Bergen",))),
        column("stratum:site", SITES["stratum:site"]), "Harbour",
    ),
    "estimates without limits": Plant(
        same, estimates(lambda frame: frame["low"].notna() | frame["value"].isna()),
        estimates(lambda frame: frame["version"] == "comparator"), "AUROC",
    ),
    "claims without power": Plant(
        findings("not shown"), both(findings("met"), declared("fda.aidsf.x.a.1")), findings("met"), "P1",
    ),
    "truth without variability": Plant(
        facts(reference={"kind": "single_reader", "truthers": None}),
        both(facts(reference={"kind": "expert_panel", "truthers": TRUTHERS}), analysis("readers", 0.81)),
        facts(reference={"kind": "expert_panel", "truthers": None}), "one opinion",
    ),
    "race or ethnicity missing": Plant(
        same, both(column("stratum:race", ["A", "B"]), of_plan(strata={"race": {}, "manufacturer": {}, "sex": {},
                                                                      "age_band": {}})), no_cases, "Neither",
    ),
    "sex or age missing": Plant(without_columns("stratum:sex"), same, no_cases, "sex"),
    "reused test set": Plant(accesses(2), accesses(1), accesses(0), "2"),
    "rejects dropped": Plant(
        estimates(lambda frame: frame["kind"] != "worst case"), same, no_dispositions, "worst-case",
    ),
    "threshold from test set": Plant(same, chosen_on("tuning set"), chosen_on(" "), "brain_simulated"),
    "subgroup below criterion": Plant(corvid_short, same, endpoints(criterion=None), "Corvid"),
    "patients in training": Plant(
        concern("3 cases are patients of training set 'a.csv' (same patient): nothing is shown."),
        facts(training_sets=("a.csv",)), same, "training set",
    ),
    "serious intake concern": Plant(
        concern("The candidate is not blind to these cases: it was told."), concern("Sex is unknown for 3.", "note"),
        without_statement("set"), "not blind",
    ),
    "unlocked plan": Plant(
        lambda view: replace(view, mode="exploratory", mode_reason="no lock"), same, without_statement("lock"),
        "no lock",
    ),
    "predictions before lock": Plant(
        lambda view: replace(view, recorded_predictions=True), same, lambda view: replace(view, locked_at=None),
        "before",
    ),
    "few patients in stratum": Plant(
        same, column("stratum:age_band", ["18-40", "40-80"]),
        without_columns("stratum:manufacturer", "stratum:sex", "stratum:age_band"), "80-120",
    ),
    "missing data rule": Plant(fate("excluded", NO_REFERENCE), same, no_dispositions, "no reference standard"),
    "version not pinned": Plant(version(digests={}), same, version(kind="recorded", digests={}), "digest"),
    "explanation not usable": Plant(
        judged("not usable"), judged("with care"),
        lambda view: replace(view, explanations=view.explanations.iloc[:0]), "grad cam",
    ),
    "criterion without rationale": Plant(
        endpoints(rationale=" "), endpoints(rationale="The guideline says so"), endpoints(criterion=None), "P1"
    ),
    "claim without hazard": Plant(endpoints(hazards=()), endpoints(hazards=("H1",)), unplanned, "P1"),
    "unadjusted claims": Plant(
        same, of_plan(claim_families=[{"name": "all", "endpoints": ["P1", "P2", "S1", "S2"], "method": "holm"}]),
        unplanned, "S1, S2",
    ),
    "predictive values of enriched set": Plant(
        predictive_value, both(predictive_value, target(prevalence=0.1)), both(predictive_value, facts(sampling=None)),
        "lesion",
    ),
    "population not described": Plant(
        same, facts(target_population={"sex": {"F": 0.6, "M": 0.4}}), lambda view: replace(view, sets=()),
        "brain_simulated",
    ),
    "simulated data": Plant(
        same, lambda view: replace(view, simulated=False),
        both(lambda view: replace(view, simulated=False), without_statement("set")), "simulated",
    ),
    "no repeat acquisitions": Plant(
        analysis("repeatability", None), analysis("repeatability", 0.4), without_statement("analyses"), "not measured"
    ),
    "not repeatable": Plant(passed_twice(False), passed_twice(True), same, "0.25"),
}  # fmt: skip
