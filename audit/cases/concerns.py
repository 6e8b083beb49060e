"""Intake concerns: what a reader must know about a set before believing any number computed from it.

'stop': the set cannot support a claim of independent testing. 'major': a named conclusion is not supported. 'minor': to
be known. Sources: Regulation (EU) 2024/1689, Art. 10(2)(f)-(h) and 10(3); FDA draft guidance on AI-enabled device
software functions (January 2025), section VIII; Roberts et al., Nat Mach Intell 2021;3:199 (leakage, confounding).
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import pandas as pd

from audit.cases.leakage import image_leakage, patient_leakage, training_records
from audit.cases.manifest import ValidationSet
from audit.cases.references import references_table
from audit.plan import Plan
from audit.tables import UNKNOWN, stratum_column

MISSING_MAJOR = 0.20
ALIASED_SHARE = 0.98
SHARE_GAP = 0.10
LARGE = 0.20
ACQUISITION = ("site", "manufacturer", "model", "field_strength", "view")
_OF_ONE = {
    "are": "is",
    "give": "gives",
    "have": "has",
    "hold": "holds",
    "lack": "lacks",
    "look": "looks",
    "share": "shares",
    "show": "shows",
}
RECORDED = (
    ("sex", "sex", "patient_sex"),
    ("age", "age_band", "age_years"),
    ("manufacturer", "manufacturer", "manufacturer_as_written"),
)


@dataclass(frozen=True, slots=True)
class Concern:
    """One concern: how grave, what (a sentence), the case ids it is about (empty: the whole set), what to do."""

    severity: Literal["stop", "major", "minor"]
    what: str
    rows: tuple[str, ...]
    remedy: str


def counted(rows: Sized | int, one: str, many: str) -> str:
    """'1 case holds' or '3 cases hold'."""
    n = rows if isinstance(rows, int) else len(rows)
    return f"{n:,} {one if n == 1 else many}"


def said_of(rows: Sized | int, noun: str, phrase: str) -> str:
    """``phrase`` begins with a verb in the plural: '3 cases have no mask', '1 case has no mask'."""
    verb, _, rest = phrase.partition(" ")
    return counted(rows, f"{noun} {_OF_ONE[verb]} {rest}", f"{noun}s {phrase}")


def concerns(cases: ValidationSet, plan: Plan) -> list[Concern]:
    """All concerns, gravest first. Strata are judged by their 'stratum:' columns where the cases carry them already,
    by the manifest's own columns otherwise."""
    found = [
        *_leakage(cases),
        *_not_blind(plan),
        *_chosen_on(cases, plan),
        *_duplicates(cases.cases),
        *_one_manufacturer(cases.cases, plan),
        *_demographics(cases.cases),
        *_aliases(cases.cases, plan),
        *_references(cases.cases, plan),
        *_shortcuts(cases.cases, plan),
        *_sampling(cases, plan),
        *_coverage(cases),
    ]
    return sorted(found, key=lambda c: ("stop", "major", "minor").index(c.severity))


def _leakage(cases: ValidationSet) -> Iterator[Concern]:
    parts = cases.parts or (cases,)
    if not any(part.facts.training_sets for part in parts):
        what = "No training manifest is declared, so that patients seen in training cannot be looked for in this set."
        yield Concern("minor", what, (), "Name the training manifests under 'training_sets' in set.yaml.")
    for part in parts:
        for name in part.facts.training_sets:
            training = training_records(part.folder, name)
            yield from _leak(patient_leakage(part.cases, training), f"patients of training set '{name}'", "patient")
            yield from _leak(image_leakage(part.cases, training), f"images of training set '{name}'", "image")


def _leak(rows: tuple[str, ...], source: str, what: str) -> Iterator[Concern]:
    if rows:
        text = (
            f"{said_of(rows, 'case', f'are {source}')} (same {what}): performance on them says nothing about new "
            "patients."
        )
        yield Concern(
            "stop", text, rows, "Remove these cases from the validation set, or correct the training manifest."
        )


def _not_blind(plan: Plan) -> Iterator[Concern]:
    for version in plan.versions:
        model = plan.model if version == "candidate" else plan.comparator
        if model is not None and model.not_blind_to:
            told = " ".join(model.not_blind_to.split()).rstrip(".")
            what = (
                f"The {version}, {model.name} {model.version}, is not blind to these cases: {told}. "
                "Its agreement with the reference standard is no independent test."
            )
            yield Concern("stop", what, (), "Audit it on cases of which it was given nothing but the images.")


def _chosen_on(cases: ValidationSet, plan: Plan) -> Iterator[Concern]:
    audited = {part.name.casefold(): part.name for part in (cases.parts or (cases,))}
    blamed: dict[tuple[str, str], list[str]] = {}
    for target_name, target in plan.targets.items():
        for version in plan.versions:
            point = target.operating_point_of(version)
            if point and point.chosen_on.casefold() in audited:
                blamed.setdefault((audited[point.chosen_on.casefold()], version), []).append(target_name)
    for (name, version), targets in blamed.items():
        what = (
            f"The operating point of the {version} for {', '.join(targets)} was chosen on '{name}', the set under "
            "audit: its rates of right calls are optimistic."
        )
        yield Concern("major", what, (), "Choose the threshold on other data, or audit on a set it was not chosen on.")


def _duplicates(cases: pd.DataFrame) -> Iterator[Concern]:
    """Same stored bytes under several case ids; entries of one .npz are told apart by the fragment of their path."""
    files = cases[cases["sha256"].notna()]
    fragment = files["image"].str.partition("#")[2] if len(files) else files["image"]
    key = files["sha256"].str.lower() + "#" + fragment.astype("string")
    twins = files[key.duplicated(keep=False)]
    if not len(twins):
        return
    several = twins.groupby(key.loc[twins.index])["patient_id"].nunique().gt(1).sum()
    apart = f"; {several} of these images stand under different patient ids" if several else ""
    what = f"{said_of(twins, 'case', 'share their image file with another case')}{apart}: the evidence counts twice."
    rows = tuple(map(str, twins["case_id"]))
    yield Concern("major", what, rows, "Keep one case for each image, or explain why an image stands twice.")


def _column(cases: pd.DataFrame, attribute: str, *plain: str) -> pd.Series | None:
    """Levels of an attribute as text, 'unknown' for blanks; None where the manifest has nothing of it."""
    for name in (stratum_column(attribute), attribute, *plain):
        if name in cases:
            return cases[name].astype("string").fillna(UNKNOWN)
    return None


def _one_manufacturer(cases: pd.DataFrame, plan: Plan) -> Iterator[Concern]:
    levels = _column(cases, "manufacturer", "manufacturer_as_written") if "manufacturer" in plan.strata else None
    if levels is None:
        return
    known = sorted(set(levels) - {UNKNOWN})
    if len(known) < 2:
        what = f"The plan asks for results by manufacturer, but the set has {known[0] if known else 'none'} only."
        yield Concern("major", what, (), "Add cases of other manufacturers, or limit the intended use to this one.")


def _demographics(cases: pd.DataFrame) -> Iterator[Concern]:
    for name, column, plain in RECORDED:
        levels = _column(cases, column, plain)
        if levels is None:
            what = f"The manifest has no column for {name}: performance by {name} cannot be assessed."
            yield Concern("major", what, (), f"Add {name} to the manifest, or justify its absence in the dossier.")
            continue
        missing = levels == UNKNOWN
        if bool(missing.any()):
            share = float(missing.mean())
            what = f"{name.capitalize()} is unknown for {int(missing.sum())} of {len(cases)} cases ({share:.1%})."
            rows = tuple(map(str, cases["case_id"][missing]))
            severity: Literal["major", "minor"] = "major" if share >= MISSING_MAJOR else "minor"
            yield Concern(
                severity, what, rows, f"Complete {name} in the manifest; these cases are in no subgroup by it."
            )


def _aliases(cases: pd.DataFrame, plan: Plan) -> Iterator[Concern]:
    """Levels of one acquisition attribute found at almost one level of another: effects cannot be told apart."""
    names = [n for n in plan.strata if n not in ("sex", "age_band")]
    for one, other in permutations(names, 2):
        a, b = _column(cases, one), _column(cases, other)
        if a is None or b is None or b[b != UNKNOWN].nunique() < 2:
            continue
        pure = _pure_levels(a, b, plan.too_few)
        if pure:
            listed = "; ".join(f"{level}: {share:.0%} {at}" for level, at, share in pure)
            what = (
                f"Levels of {one} that occur at one level of {other} only ({listed}): "
                f"differences between them may be differences of {other}."
            )
            remedy = f"Add cases that break the tie, or report {one} and {other} as confounded."
            severity: Literal["major", "minor"] = "major" if (one, other) == ("manufacturer", "site") else "minor"
            yield Concern(severity, what, (), remedy)


def _pure_levels(a: pd.Series, b: pd.Series, too_few: int) -> list[tuple[str, str, float]]:
    """(level of a, level of b, share) where at least 98 % of a level's ``too_few`` or more cases agree."""
    table = pd.crosstab(a, b)
    table = table.drop(index=UNKNOWN, errors="ignore")
    total = table.sum(axis=1)
    share = table.max(axis=1) / total
    found = share.index[(share >= ALIASED_SHARE) & (total >= too_few)]
    return [(str(level), str(table.loc[level].idxmax()), float(share[level])) for level in found]


def _references(cases: pd.DataFrame, plan: Plan) -> Iterator[Concern]:
    references = references_table(cases, plan.targets)
    for name, target in plan.targets.items():
        rows = references[references["target"] == name]
        absent = rows["artifact" if target.task == "segmentation" else "value"].isna()
        if bool(absent.any()):
            what = (
                f"Target {name}: {int(absent.sum())} of {len(rows)} cases lack a reference standard and are excluded."
            )
            ids = tuple(map(str, rows["case_id"][absent]))
            yield Concern("major" if absent.mean() >= MISSING_MAJOR else "minor", what, ids, "Say why in 'exclusions'.")
        values = rows["value"].dropna()
        if target.binary and values.nunique() == 1:
            only = "positive" if float(values.iloc[0]) == 1.0 else "negative"
            what = (
                f"Target {name}: every case is reference-{only}; AUROC and half of the accuracy measures are undefined."
            )
            yield Concern("major", what, (), "Add cases of the other class, or check 'reference' and 'positive'.")


def _shortcuts(cases: pd.DataFrame, plan: Plan) -> Iterator[Concern]:
    """A large level of a stratum that holds one class only, others both: whoever knows the level knows the answer."""
    binary = {name: target for name, target in plan.targets.items() if target.binary}
    references = references_table(cases, binary) if binary else pd.DataFrame()
    for name, target in binary.items():
        value = references.loc[references["target"] == name].set_index("case_id")["value"]
        value = value.reindex(cases["case_id"].astype("string")).set_axis(cases.index).dropna()
        for attribute, stratum in plan.strata.items():
            levels = _column(cases, attribute)
            if levels is None or target.reference in (attribute, stratum.column) or value.nunique() < 2:
                continue
            for level, found in value.groupby(levels.loc[value.index]):
                if level != UNKNOWN and found.nunique() == 1 and len(found) >= max(plan.too_few, LARGE * len(value)):
                    yield _shortcut(name, attribute, str(level), found, value)


def _shortcut(target: str, attribute: str, level: str, found: pd.Series, value: pd.Series) -> Concern:
    kind = "positive" if float(found.iloc[0]) == 1.0 else "negative"
    others = value.drop(index=found.index)
    share = float((others == found.iloc[0]).mean())
    what = (
        f"Target {target}: all {len(found)} cases of {attribute} {level} are reference-{kind}, {share:.0%} of the "
        f"others: a version that recognises {attribute} would be taken for one that finds the target."
    )
    severity: Literal["major", "minor"] = "major" if attribute in ACQUISITION else "minor"
    return Concern(severity, what, (), f"Add reference-{'negative' if kind == 'positive' else 'positive'} cases there.")


def _sampling(cases: ValidationSet, plan: Plan) -> Iterator[Concern]:
    sampling = cases.facts.sampling
    asked = {e.measure for e in plan.endpoints} | {m for t in plan.targets.values() for m in t.measures or ()}
    if not sampling.shows_prevalence and asked & {"ppv", "npv"}:
        what = f"Sampling is {sampling.kind}: PPV and NPV hold at the set's own prevalence only, not in use."
        yield Concern("major", what, (), "Report predictive values at a stated prevalence.")


def _coverage(cases: ValidationSet) -> Iterator[Concern]:
    for attribute, shares in (cases.facts.target_population or {}).items():
        levels = _column(cases.cases, attribute)
        if levels is None:
            what = f"The target population is described by {attribute}, which the manifest does not have."
            yield Concern("minor", what, (), f"Add column '{attribute}' to the manifest or a stratum of that name.")
            continue
        for level, expected in shares.items():
            found = float((levels == level).mean())
            if expected > 0 and found == 0:
                what = f"{attribute} {level} is {expected:.0%} of the target population and has no case in the set."
                yield Concern("major", what, (), "Add such cases, or leave the level out of the intended use.")
            elif abs(found - expected) >= SHARE_GAP:
                what = f"{attribute} {level} is {expected:.0%} of the target population and {found:.0%} of the set."
                yield Concern("minor", what, (), "Read results by level, not overall, where performance differs.")
