"""What a reviewer would object to, found from plan and evidence; each with clause and remedy. Gaps come first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from audit.dossier.catalogues import known_requirements
from audit.dossier.citing import cite, count, fact, tally
from audit.dossier.comparison import questions
from audit.dossier.content import Answer, Runs, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import percent, whole
from audit.dossier.view import ACCESS, CASES, DETERMINISM, DISPOSITIONS, FINDINGS, SET, AuditView, EstimateRow
from audit.dossier.words import attribute_label, endpoint_id, endpoint_title, joined, version_label
from audit.tables import CASE_USE, UNKNOWN, stratum_column

Severity = Literal["serious", "moderate", "note"]
ORDER: tuple[Severity, ...] = ("serious", "moderate", "note")
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap: how serious, what in words and numbers, the requirements it touches (EU, FDA), the remedy."""

    id: str
    severity: Severity
    what: Runs
    eu: str
    fda: str
    remedy: str

    def clause(self, words: str) -> str:
        """The clause it touches, in the document's instrument; both where a document serves both markets."""
        entries = {"eu": (self.eu,), "fda": (self.fda,)}.get(words, (self.eu, self.fda))
        return "; ".join(known_requirements()[entry].label for entry in entries)


def gaps(view: AuditView) -> tuple[Gap, ...]:
    """Every gap of the audit, serious ones first."""
    found = [gap for check in CHECKS for gap in check(view)]
    return tuple(sorted(found, key=lambda gap: ORDER.index(gap.severity)))


def _exploratory(view: AuditView) -> Iterator[Gap]:
    if view.mode == "exploratory":
        yield Gap(
            "exploratory", "serious", text(f"Exploratory: {view.mode_reason.rstrip('.')}."),
            "aia.art.9.8", "fda.aidsf.appc.1", "Lock the plan before inference and run on a set not seen before.",
        )  # fmt: skip


def _recorded(view: AuditView) -> Iterator[Gap]:
    if view.recorded_predictions:
        yield Gap(
            "recorded", "serious", text("Predictions existed before the lock; what needs the model was not assessed."),
            "aia.art.9.8", "fda.aidsf.appc.1", "Run the registered model on a sequestered set after the lock.",
        )  # fmt: skip


def _operating_points(view: AuditView) -> Iterator[Gap]:
    for version in view.versions:
        seen = [
            (name, point)
            for name, target in view.plan.targets.items()
            if (point := target.operating_point_of(version)) and point.chosen_on in view.plan.validation_sets
        ]
        if seen:
            names = joined([name.replace("_", " ") for name, _ in seen])
            where = joined(sorted({point.chosen_on for _, point in seen}))
            what = (
                f"The operating point was chosen on the audited set: {version_label(view, version)}, "
                f"{names}, chosen on {where}. {_both_rates(view)} are optimistic."
            )
            yield Gap(
                f"operating point {version}", "serious", text(what),
                "aia.annex4.2.b.2", "fda.aidsf.ix.2", "Choose the threshold on tuning data and lock it.",
            )  # fmt: skip


def _both_rates(view: AuditView) -> str:
    words = f"{view.measure('sensitivity').title} and {view.measure('specificity').title}"
    return words[:1].upper() + words[1:]


def _endpoints(view: AuditView) -> Iterator[Gap]:
    for verdict, severity in (("failed", "serious"), ("not shown", "moderate"), ("not assessed", "moderate")):
        found = [
            (index, each)
            for index, each in enumerate(view.findings)
            if each.verdict == verdict and each.role != "descriptive"
        ]
        if found:
            titles = "; ".join(f"{endpoint_id(each)} {endpoint_title(view, each)}" for _, each in found[:SHOWN])
            more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
            label = "endpoint" if len(found) == 1 else "endpoints"
            number = cite(view, FINDINGS, pointer(found[0][0], "verdict"), verdict)
            yield Gap(
                f"endpoints {verdict}", severity,  # type: ignore[arg-type]
                (Text(f"{len(found)} {label} "), number, Text(f": {titles}{more}.")),
                "aia.annex4.3.1", "fda.aidsf.x.a.3", _endpoint_remedy(verdict),
            )  # fmt: skip


def _endpoint_remedy(verdict: str) -> str:
    return {
        "failed": "Restrict the claim or correct the device; then test a new version on unseen data.",
        "not shown": "Enlarge the test set until the limit can decide, or narrow the claim.",
    }.get(verdict, "Supply what the endpoint needs, or withdraw it by amendment.")


def _hidden_failures(view: AuditView) -> Iterator[Gap]:
    levels = [
        row for row in view.rows if row.kind == "value" and row.version == "candidate" and row.high is not None
        and not row.is_overall and _below(view, row) and " & " not in row.attribute
    ]  # fmt: skip
    if levels:
        groups = list(dict.fromkeys(f"{attribute_label(row.attribute)} {row.level}" for row in levels))
        more = f" and {len(groups) - SHOWN} more" if len(groups) > SHOWN else ""
        who, where = version_label(view, "candidate"), ", ".join(groups[:SHOWN])
        what = f"{who} lies wholly below a whole-set limit in: {where}{more}."
        yield Gap(
            "groups below", "serious", text(what), "aia.annex4.3.2", "fda.aidsf.x.a.4",
            "Warn, restrict the intended purpose to tested conditions, or retrain and retest.",
        )  # fmt: skip


def _below(view: AuditView, row: EstimateRow) -> bool:
    limits = [
        each.criterion.value
        for each in view.plan.endpoints
        if each.criterion and each.criterion.kind == "minimum" and each.criterion.value is not None
        and (each.measure, each.target) == (row.measure, row.target)
    ]  # fmt: skip
    return bool(limits) and row.high is not None and row.high < min(limits)


def _simulated(view: AuditView) -> Iterator[Gap]:
    if view.simulated:
        yield Gap(
            "simulated", "serious", text("Simulated data: no estimate here describes a patient."),
            "aia.art.10.3", "fda.aidsf.viii.7", "Repeat the audit on clinical images of the intended population.",
        )  # fmt: skip


def _manufacturers(view: AuditView) -> Iterator[Gap]:
    column = stratum_column("manufacturer")
    levels = set(view.cases[column].dropna()) - {UNKNOWN} if column in view.cases else set()
    if len(levels) < 2:
        what = (
            f"One scanner manufacturer only ({levels.pop()})."
            if levels
            else "The scanners' manufacturers are not recorded."
        )
        yield Gap(
            "manufacturer", "serious", text(what), "aia.art.10.4", "fda.aidsf.viii.7",
            "Add images of every manufacturer named in the intended use.",
        )  # fmt: skip


def _small_groups(view: AuditView) -> Iterator[Gap]:
    claimed = {(each.measure, each.target) for each in questions(view)}
    own = [row for row in view.rows if row.kind == "value" and row.version == "candidate" and not row.is_overall]
    rows = [row for row in own if (row.measure, row.target) in claimed]
    small = {(row.attribute, row.level) for row in rows if 0 < row.n_patients < view.plan.too_few}
    undefined = {(row.attribute, row.level) for row in rows if row.value is None}
    groups = list(
        dict.fromkeys((row.attribute, row.level) for row in rows if (row.attribute, row.level) in small | undefined)
    )
    if groups:
        names = ", ".join(f"{attribute_label(attribute)} {level}" for attribute, level in groups[:SHOWN])
        more = f" and {len(groups) - SHOWN} more" if len(groups) > SHOWN else ""
        what = (
            f"Groups too small to judge (under {view.plan.too_few} patients, or a claimed measure undefined): "
            f"{names}{more}."
        )
        yield Gap(
            "small groups", "moderate", text(what), "aia.art.10.2.h", "fda.aidsf.x.a.4",
            "Collect more cases of these groups, or state that their performance is unknown.",
        )  # fmt: skip


def _demographics(view: AuditView) -> Iterator[Gap]:
    columns = {str(name).removeprefix("stratum:").lower() for name in view.cases}
    for names, label in ((("sex",), "Sex"), (("age", "age_years", "age_band"), "Age")):
        if not columns & set(names):
            yield Gap(
                label.lower(), "moderate", text(f"{label} is not recorded: performance by {label.lower()} is unknown."),
                "aia.annex4.2.g.4", "fda.aidsf.x.a.4", "Record it, or state why it cannot be collected.",
            )  # fmt: skip
    if not columns & {"race", "ethnicity", "race_ethnicity"}:
        yield Gap(
            "race", "moderate", text("Race and ethnicity are not recorded: performance by either is unknown."),
            "aia.art.10.5", "fda.aidsf.x.a.4", "Collect where lawful; otherwise state why the groups are not reported.",
        )  # fmt: skip


REFERENCE_WORDS = {
    "single_reader": "one reader's opinion",
    "report_mining": "labels mined from reports",
    "exact": "exact by construction of the data",
    "pathology": "pathology",
    "expert_panel": "an expert panel",
    "follow_up": "follow-up",
}


def _reference(view: AuditView) -> Iterator[Gap]:
    for each in view.sets:
        kind = (each.facts.get("reference") or {}).get("kind", "")
        if kind in ("single_reader", "report_mining"):
            what = (
                Text(f"{each.name}: the reference is {REFERENCE_WORDS[kind]} ("),
                fact(view, SET, each.name, "facts", "reference", "kind"),
                Text("): agreement, not accuracy."),
            )
            yield Gap(
                f"reference {each.name}", "serious", what, "aia.art.10.2.c", "fda.stat.4.1",
                "Establish truth by several blinded readers or by pathology, with its variability.",
            )  # fmt: skip
        elif not (each.facts.get("reference") or {}).get("truthers") and kind != "exact":
            yield Gap(
                f"truthers {each.name}", "moderate",
                text(f"{each.name}: number and qualification of the truthers are not stated."),
                "aia.art.10.2.c", "fda.aidsf.viii.3",
                "State readers, qualification, blinding and agreement in set.yaml.",
            )  # fmt: skip


def _leakage(view: AuditView) -> Iterator[Gap]:
    if not any(each.facts.get("training_sets") for each in view.sets):
        yield Gap(
            "leakage", "moderate",
            text("No training manifest: overlap of patients with training data was not searched for."),
            "aia.annex4.2.d", "fda.aidsf.viii.6", "Supply the training and tuning manifests (or hashed patient ids).",
        )  # fmt: skip


def _sampling(view: AuditView) -> Iterator[Gap]:
    for each in view.sets:
        sampling = each.facts.get("sampling") or {}
        if sampling.get("kind") in ("enriched", "convenience"):
            kind = fact(view, SET, each.name, "facts", "sampling", "kind")
            what = (
                Text(f"{each.name} is a sample of kind "),
                kind,
                Text(": predictive values hold at its own prevalence only."),
            )
            yield Gap(
                f"sampling {each.name}", "note", what, "aia.art.10.3", "fda.stat.5.rare",
                "State predictive values at the prevalence of intended use.",
            )  # fmt: skip


def _countries(view: AuditView) -> Iterator[Gap]:
    wanted = set(view.device.target_countries) if view.device else set()
    here = {country for each in view.sets for country in each.facts.get("countries") or ()}
    absent = sorted(wanted - here)
    if absent:
        yield Gap(
            "country", "moderate", text(f"No case from {joined(absent)}, where the device shall be marketed."),
            "aia.art.10.4", "fda.aidsf.viii.7", "Add a site there, or justify why results carry over.",
        )  # fmt: skip


def _reused(view: AuditView) -> Iterator[Gap]:
    runs = int((view.accesses["event"] == "run started").sum())
    started = count(view, ACCESS, event="run started")
    again = (Text("The set was used before: "), started, Text(" runs on it are on record."))
    if runs > 1 or _known_cases(view):
        what: Runs = again if runs > 1 else text("Cases of this set were used before, in another set.")
        yield Gap(
            "reuse", "moderate", (*what, *_fresh(view)),
            "aia.annex4.2.g.5", "fda.aidsf.viii.6", "Report every run; decide on a set that was not used to choose.",
        )  # fmt: skip


def _known_cases(view: AuditView) -> bool:
    counts = [view.cases[name] for name in ("uses_before", "shown_before") if name in view.cases]
    return any(bool((each > 0).any()) for each in counts)


def _fresh(view: AuditView) -> Runs:
    """How many cases nobody had used or seen when the audit began."""
    if "uses_before" not in view.cases:
        return ()
    fresh = tally(view, CASES, {"uses_before": "0", "shown_before": "0"})
    apart = " Estimates of fresh and of reused cases stand apart." if stratum_column(CASE_USE) in view.cases else ""
    return (Text(" Fresh when this audit began: "), fresh, Text(f" of {whole(len(view.cases))} cases.{apart}"))


def _shown_cases(view: AuditView) -> Iterator[Gap]:
    shown = view.accesses[view.accesses["event"] == "case shown"]
    if len(shown):
        times = count(view, ACCESS, event="case shown")
        yield Gap(
            "shown", "moderate", (Text("Output of single sequestered cases was shown: "), times, Text(" times.")),
            "aia.annex4.2.g.5", "fda.aidsf.viii.6", "Treat these cases as known in any later audit of this device.",
        )  # fmt: skip


def _unusable(view: AuditView) -> Iterator[Gap]:
    own = view.dispositions[view.dispositions["version"] == "candidate"]
    for fate in ("failed", "rejected", "equivocal"):
        part = int((own["fate"] == fate).sum())
        if part:
            number = count(view, DISPOSITIONS, version="candidate", fate=fate)
            share = percent(part, len(own))
            what = (Text(f"Results (case × target) {fate}: "), number, Text(f" of {whole(len(own))} ({share})."))
            yield Gap(
                f"fate {fate}", "moderate", what, "aia.annex4.3.5", "fda.aidsf.appc.7",
                "Find the cause; state the rate to users; read the worst-case bounds.",
            )  # fmt: skip


def _without_limits(view: AuditView) -> Iterator[Gap]:
    bare = [row for row in view.rows if row.kind == "value" and row.value is not None and row.low is None]
    if bare:
        names = joined(list(dict.fromkeys(view.measure(row.measure).title for row in bare))[:SHOWN])
        yield Gap(
            "no limits", "note", text(f"Estimates without confidence limits: {names}."),
            "aia.annex4.2.g.3", "fda.aidsf.appc.2", "Read the reason beside each estimate; add patients where too few.",
        )  # fmt: skip


def _reader_study(_view: AuditView) -> Iterator[Gap]:
    yield Gap(
        "reader study", "moderate", text("No reader study: the benefit to readers is not shown."),
        "aia.art.14.4.b", "fda.aidsf.x.a.6", "Add a reader study, or justify why stand-alone performance suffices.",
    )  # fmt: skip


def _repeatability(_view: AuditView) -> Iterator[Gap]:
    yield Gap(
        "repeatability", "note", text("Repeatability and reproducibility were not measured: no repeated acquisitions."),
        "aia.art.15.4", "fda.aidsf.x.a.5", "Add repeated acquisitions of the same patients.",
    )  # fmt: skip


def _not_repeatable(view: AuditView) -> Iterator[Gap]:
    for place, each in enumerate(view.determinism):
        if not each["within"]:
            who = f"{version_label(view, str(each['version']))}, {str(each['target']).replace('_', ' ')}"
            worst = fact(view, DETERMINISM, "results", place, "largest_difference")
            tolerated = fact(view, DETERMINISM, "results", place, "tolerance")
            what = (
                Text(f"Not the same answer twice: {who}, largest difference "),
                worst,
                Text(", tolerated "),
                tolerated,
            )
            yield Gap(
                f"determinism {place}", "moderate", (*what, Text(".")), "aia.art.15.4", "fda.aidsf.x.a.5",
                "Find the source of chance in the version, or declare and justify the tolerance in the plan.",
            )  # fmt: skip


def _no_golden(view: AuditView) -> Iterator[Gap]:
    bare = [name for name, each in view.versions.items() if each.golden is None and each.kind != "recorded"]
    if bare:
        names = joined([version_label(view, name) for name in bare])
        yield Gap(
            "golden images", "note",
            text(f"No golden images stored with {names}: its preprocessing was not checked on opening."),
            "aia.art.15.4", "fda.aidsf.x.a.5", "Register it again, with images and the outputs they must give.",
        )  # fmt: skip


def _unsigned(view: AuditView) -> Iterator[Gap]:
    if not view.signed:
        yield Gap(
            "unsigned", "note", text("Nobody has signed this report."),
            "aia.annex4.2.g.5", "fda.aidsf.x.a.1", "Have the responsible persons sign and date it.",
        )  # fmt: skip


def _regulation(view: AuditView) -> Iterator[Gap]:
    if view.device is None:
        yield Gap(
            "device", "moderate", text("No device.yaml: nothing is declared by the manufacturer."),
            "aia.annex4.1.a", "fda.aidsf.v.1", "Fill in templates/device.example.yaml and give it with the command.",
        )  # fmt: skip
    elif view.device.regulation is None:
        yield Gap(
            "regulation", "moderate", text("device.yaml names no regulation: special controls could not be chosen."),
            "aia.art.8.2", "fda.cfr892.2050.b", "State the classification regulation in device.yaml.",
        )  # fmt: skip


def _concerns(view: AuditView) -> Iterator[Gap]:
    for index, concern in enumerate(view.concerns):
        severity: Severity = "serious" if concern.severity in ("serious", "error", "high") else "moderate"
        yield Gap(
            f"concern {index}", severity if concern.severity != "note" else "note",
            text(f"Intake: {concern.what.rstrip('.')}."), "aia.art.10.2.h", "fda.aidsf.viii.1", concern.remedy,
        )  # fmt: skip


CHECKS: tuple[Callable[[AuditView], Iterator[Gap]], ...] = (
    _exploratory, _recorded, _simulated, _operating_points, _endpoints, _hidden_failures, _manufacturers, _reference,
    _small_groups, _demographics, _leakage, _countries, _reused, _shown_cases, _unusable, _concerns, _regulation,
    _reader_study, _sampling, _without_limits, _repeatability, _not_repeatable, _no_golden, _unsigned,
)  # fmt: skip


def missing_by_owner(answers: tuple[Answer, ...]) -> tuple[tuple[str, tuple[Answer, ...]], ...]:
    """The requirements that lack something, by who must supply it, most first."""
    owners: dict[str, list[Answer]] = {}
    for answer in answers:
        for owner in answer.owner.split(", ") if answer.missing else ():
            owners.setdefault(owner, []).append(answer)
    return tuple(
        sorted(((name, tuple(each)) for name, each in owners.items()), key=lambda pair: (-len(pair[1]), pair[0]))
    )
