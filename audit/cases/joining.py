"""Several validation sets of one plan, read as one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import get_args

import pandas as pd

from audit.cases.facts import ReferenceKind, ReferenceReadings, ReferenceStandard, Sampling, SetFacts
from audit.cases.manifest import ValidationSet
from audit.records import BadInput
from audit.tables import CASES


def join_sets(sets: Sequence[ValidationSet]) -> ValidationSet:
    """One set with the cases of all, in order; case ids and set names must stay unique.

    The joint facts claim no more than every part does: any simulated part makes the whole simulated, any enriched part
    makes the sampling enriched, and the weakest reference standard names the whole. Patient ids are taken as they are:
    the same id in two sets is the same patient.
    """
    if not sets:
        raise BadInput("a plan needs at least one validation set; name one under 'validation_sets'.")
    if len(sets) == 1:
        return sets[0]
    _refuse_clashes(sets)
    cases = CASES.conform(pd.concat([_plain(s.cases, sets) for s in sets], ignore_index=True))
    return ValidationSet(
        name=" + ".join(s.name for s in sets),
        folder=sets[0].folder,
        facts=_joint_facts([s.facts for s in sets]),
        cases=cases,
        sha256=_digest([s.sha256 for s in sets]),
        manifest_sha256=_digest([s.manifest_sha256 for s in sets]),
        roots={name: root for s in sets for name, root in s.roots.items()},
        parts=tuple(sets),
    )


def _refuse_clashes(sets: Sequence[ValidationSet]) -> None:
    names = [s.name for s in sets]
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"validation set '{name}' is named twice; name each set once and give each its own name.")
    owner: dict[str, str] = {}
    for part in sets:
        for case in part.cases["case_id"]:
            if case in owner:
                raise BadInput(
                    f"case_id '{case}' stands in validation sets '{owner[case]}' and '{part.name}'; "
                    "case ids must be unique over all sets of a plan."
                )
            owner[case] = part.name


def _plain(cases: pd.DataFrame, sets: Sequence[ValidationSet]) -> pd.DataFrame:
    """A column whose type differs between sets becomes text in all of them."""
    out = cases.copy()
    for name in out.columns:
        if len({str(s.cases[name].dtype) for s in sets if name in s.cases}) > 1:
            out[name] = out[name].astype("string")
    return out


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _joint_facts(facts: Sequence[SetFacts]) -> SetFacts:
    populations = [f.target_population for f in facts]
    return SetFacts(
        name=" + ".join(f.name for f in facts),
        version=" + ".join(f.version for f in facts),
        licence="; ".join(dict.fromkeys(f.licence for f in facts)),
        description=" ".join(f"{f.name}: {f.description}" for f in facts),
        simulated=any(f.simulated for f in facts),
        sequestered=any(f.sequestered for f in facts),
        dates=_each(facts, "dates"),
        countries=tuple(dict.fromkeys(c for f in facts for c in f.countries)),
        sites=tuple(dict.fromkeys(s for f in facts for s in f.sites)),
        sampling=_joint_sampling(facts),
        reference=_joint_reference(facts),
        target_population=populations[0] if all(p == populations[0] for p in populations) else None,
        exclusions=_each(facts, "exclusions"),
        readings=_joint_readings(facts),
    )


def _joint_readings(facts: Sequence[SetFacts]) -> dict[str, ReferenceReadings]:
    found: dict[str, ReferenceReadings] = {}
    for part in facts:
        for name, rule in part.readings.items():
            if found.setdefault(name, rule) != rule:
                raise BadInput(
                    f"validation set '{part.name}' combines readings '{name}' by another rule or of other readers than "
                    "the sets before it; write them alike, or audit the sets apart."
                )
    return found


def _each(facts: Sequence[SetFacts], field: str) -> str:
    return "; ".join(f"{f.name}: {getattr(f, field)}" for f in facts if getattr(f, field))


def _joint_sampling(facts: Sequence[SetFacts]) -> Sampling:
    kinds = [f.sampling.kind for f in facts]
    how = "; ".join(f"{f.name}: {f.sampling.kind}, {f.sampling.how}" for f in facts)
    if "enriched" in kinds:
        return Sampling(kind="enriched", how=how)
    return Sampling(kind="convenience" if "convenience" in kinds else "consecutive", how=how)


def _joint_reference(facts: Sequence[SetFacts]) -> ReferenceStandard:
    strongest_first: tuple[ReferenceKind, ...] = get_args(ReferenceKind)
    weakest = max((f.reference.kind for f in facts), key=strongest_first.index)
    truthers = [f.reference.truthers for f in facts]
    return ReferenceStandard(
        kind=weakest,
        how="; ".join(f"{f.name}: {f.reference.kind}, {f.reference.how}" for f in facts),
        truthers=truthers[0] if all(t == truthers[0] for t in truthers) else None,
    )
