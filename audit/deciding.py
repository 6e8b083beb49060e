"""What the walk records about single decisions while images are at hand: features, altered copies, maps by region.

Everything computed from these tables is done again by ``verify``, which has no images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.cases.loading import declared_files, image_loader, mask_loader
from audit.cases.located import locator
from audit.cases.manifest import ValidationSet
from audit.cases.masks import Mask
from audit.decision_tables import COPIES, IMAGE_FEATURES, MAP_REGIONS, RANDOM_WEIGHTS
from audit.engines.augmentations import augmented_copies
from audit.engines.copies import Asked, Copy, Make, run_copies
from audit.engines.local import case_generator
from audit.engines.repeating import drawn_to_repeat
from audit.evidence.store import AuditStore
from audit.explanation_plan import ExplainedCases
from audit.explanations.black_box import BlackBox
from audit.explanations.drawing import draw_cases
from audit.explanations.image_features import image_features_table
from audit.explanations.map_regions import map_of, map_regions_table
from audit.explanations.marking import marked_pictures
from audit.explanations.masking import MASKED, masked_by
from audit.explanations.random_copies import Reading, random_copies_table
from audit.explanations.uncertainty import calibration_patients
from audit.models.model import OpenModel
from audit.plan import Plan
from audit.plan_decisions import Shortcuts
from audit.records import BadInput, BoolArray, Image, Statement
from audit.tables import EXPLANATIONS, Table

LoadMask = Callable[[str], BoolArray | None]
COPIED = 60
"""Cases on which a version is compared with its copies with random weights."""


@dataclass(frozen=True)
class Looking:
    """What these steps of the walk share: plan, cases, opened versions, where to state what they give."""

    plan: Plan
    cases: ValidationSet
    models: Mapping[str, OpenModel]
    store: AuditStore
    progress: Callable[[str, int, int], None]

    def stated(self, table: Table, make: Callable[[], pd.DataFrame], inputs: list[Statement]) -> Statement:
        """The statement of ``table``, made unless a resumed audit holds it already."""
        path = f"tables/{table.name}.parquet"
        return self.store.subjects()[path] if self.store.has(path) else self.store.put_table(table, make(), inputs)

    def counter(self, what: str, total: int) -> Callable[[int], None]:
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            done += more
            self.progress(what, done, total)

        return advance


def check_decisions(plan: Plan, cases: pd.DataFrame) -> None:
    """Refuses what the plan asks of single decisions and no case has, before any image is loaded."""
    if plan.shortcuts is not None and plan.shortcuts.anatomy is not None and plan.shortcuts.anatomy not in cases:
        raise BadInput(
            f"shortcuts.anatomy names '{plan.shortcuts.anatomy}', which is no column of the manifest; name the column "
            "with the masks of the anatomy, or remove the key: the body is then found by rule."
        )
    if plan.uncertainty is not None and plan.uncertainty.conformal is not None:
        calibration_patients(plan.uncertainty.conformal.calibration, cases, plan.seed)


def finding_loader(plan: Plan, cases: ValidationSet, target: str) -> LoadMask:
    """The mask of ``target``, or else of the plan's first segmentation target: where the finding lies; None without."""
    own = plan.targets[target]
    chosen = [each for each in (own, *plan.targets.values()) if each.task == "segmentation"]
    if not chosen:
        return lambda _: None
    return _optional(cases, chosen[0].reference, mask_loader(cases, chosen[0].reference, chosen[0].labels_of_reference))


def _optional(cases: ValidationSet, column: str, load: Callable[[str], Mask]) -> LoadMask:
    known = declared_files(cases, column)
    return lambda case_id: load(case_id).inside if case_id in known else None


def state_features(looking: Looking, known: list[Statement]) -> list[Statement]:
    """IMAGE_FEATURES of every case, where the plan explains score and errors by them."""
    asked = looking.plan.explanations
    if asked is None or not asked.surrogate.image_features:
        return []
    table = looking.cases.cases
    ids = list(zip(table["case_id"].astype(str), table["patient_id"].astype(str), strict=True))
    load_mask = finding_loader(looking.plan, looking.cases, asked.target)

    def make() -> pd.DataFrame:
        advance = looking.counter("image features", len(ids))
        return image_features_table(ids, _loader(looking.cases), load_mask, advance)

    return [looking.stated(IMAGE_FEATURES, make, known)]


def _loader(cases: ValidationSet) -> Callable[[str], Image]:
    """The cases' images; where the manifest names none, a reason for every case instead of an error for the walk."""
    try:
        return image_loader(cases)
    except BadInput as error:
        reason = str(error)

        def refuse(_: str) -> Image:
            raise BadInput(reason)

        return refuse


def state_copies(looking: Looking, known: list[Statement]) -> list[Statement]:
    """COPIES of the drawn cases of every opened version, where the plan asks for spread or for shortcuts."""
    jobs = list(_jobs(looking))
    if not jobs:
        return []

    def make() -> pd.DataFrame:
        load, parts = image_loader(looking.cases), []
        for role, model in looking.models.items():
            for asked, makes in jobs:
                advance = looking.counter(f"altered copies, {role}", len(asked.cases))
                mine = Asked(role, asked.target, asked.output, asked.cases)
                parts.append(run_copies(mine, load, model.predict, makes, looking.plan.batch_size, advance))
        return COPIES.conform(pd.concat(parts, ignore_index=True))

    return [looking.stated(COPIES, make, known)]


def _jobs(looking: Looking) -> Iterator[tuple[Asked, list[Make]]]:
    plan = looking.plan
    if not any(not model.reads_files for model in looking.models.values()):
        return
    if plan.uncertainty is not None and plan.uncertainty.augmented is not None:
        augmented = plan.uncertainty.augmented
        cases = _drawn(looking, augmented.cases, _evaluated(looking))
        yield _asked(plan, plan.uncertainty.target, cases), [augmented_copies(augmented, plan.seed)]
    if plan.shortcuts is not None:
        cases = _drawn(looking, plan.shortcuts.cases, frozenset())
        yield _asked(plan, plan.shortcuts.target, cases), [_masks(looking, plan.shortcuts)]


def _asked(plan: Plan, target: str, cases: list[tuple[str, str]]) -> Asked:
    return Asked("", target, plan.targets[target].output, cases)


def _evaluated(looking: Looking) -> frozenset[str]:
    """Patients that calibrate prediction sets: their spread is of no use beside a set that they have not."""
    asked = looking.plan.uncertainty
    if asked is None or asked.conformal is None:
        return frozenset()
    return calibration_patients(asked.conformal.calibration, looking.cases.cases, looking.plan.seed)


def _drawn(looking: Looking, most: int, without: frozenset[str]) -> list[tuple[str, str]]:
    """At most so many cases, drawn by the plan's seed from the patients that are not left out, unless all are."""
    table = looking.cases.cases
    patients = dict(zip(table["case_id"].astype(str), table["patient_id"].astype(str), strict=True))
    ids = [case for case, patient in patients.items() if patient not in without] or list(patients)
    return [(case, patients[case]) for case in drawn_to_repeat(ids, most, looking.plan.seed)]


def _masks(looking: Looking, rules: Shortcuts) -> Make:
    finding = finding_loader(looking.plan, looking.cases, rules.target)
    paint = masked_by(rules, _anatomy(looking.cases, rules), lambda case: _generator(looking.plan.seed, case), finding)

    def make(case_id: str, image: Image) -> Iterator[Copy]:
        for each in paint(case_id, image):
            yield Copy(MASKED, each.name, each.pixels, each.area, each.how, each.undefined)

    return make


def _generator(seed: int, case_id: str) -> np.random.Generator:
    return case_generator(seed, MASKED, case_id)


def _anatomy(cases: ValidationSet, rules: Shortcuts) -> LoadMask:
    if rules.anatomy is None:
        return lambda _: None
    return _optional(cases, rules.anatomy, mask_loader(cases, rules.anatomy))


def state_regions(looking: Looking, explained: Statement) -> list[Statement]:
    """MAP_REGIONS of the stored maps."""
    plan, store = looking.plan, looking.store
    if plan.explanations is None or not plan.explanations.methods:
        return []
    rules = plan.shortcuts
    anatomy = _anatomy(looking.cases, rules) if rules else lambda _: None

    def make() -> pd.DataFrame:
        assert plan.explanations is not None
        return map_regions_table(
            store.read_table(EXPLANATIONS), lambda path: map_of(store.read_bytes(path)), image_loader(looking.cases),
            finding_loader(plan, looking.cases, plan.explanations.target), anatomy, rules,
        )  # fmt: skip

    return [looking.stated(MAP_REGIONS, make, [explained])]


def state_random_weights(looking: Looking, references: pd.DataFrame, known: list[Statement]) -> list[Statement]:
    """RANDOM_WEIGHTS of every opened version and explained target, where the plan asks for maps and for copies."""
    asked = looking.plan.explanations
    if asked is None or not asked.methods or not asked.examine.random_copies:
        return []
    jobs = [(role, name) for role, model in looking.models.items() if not model.reads_files for name in asked.targets]

    def make() -> pd.DataFrame:
        parts = [_random_copies(looking, references, role, name) for role, name in jobs]
        none = pd.DataFrame(columns=list(RANDOM_WEIGHTS.columns))
        return RANDOM_WEIGHTS.conform(pd.concat(parts or [none], ignore_index=True))

    return [looking.stated(RANDOM_WEIGHTS, make, known)]


def _random_copies(looking: Looking, references: pd.DataFrame, role: str, name: str) -> pd.DataFrame:
    plan, model, table = looking.plan, looking.models[role], looking.cases.cases
    assert plan.explanations is not None
    rule = ExplainedCases(per_level=COPIED)
    patients = dict(zip(table["case_id"].astype(str), table["patient_id"].astype(str), strict=True))
    cases = [(case, patients[case]) for case in draw_cases(table, references, rule, name, plan.seed)]
    network = model.module() if model.explainable else BlackBox(model.predict)
    reading = Reading(role, name, plan.targets[name], network, tuple(model.outputs))
    find = locator(looking.cases, plan.targets, name, None)
    return random_copies_table(
        reading, cases, image_loader(looking.cases), find, plan.explanations.examine.random_copies, plan.seed,
        looking.counter(f"random weights, {role}", len(cases)),
    )  # fmt: skip


def state_marked(store: AuditStore, verdicts: pd.DataFrame, inputs: list[Statement]) -> None:
    """Pictures of maps that may not be used, or only with care, once more under that mark."""
    files = marked_pictures(store.read_table(EXPLANATIONS), verdicts, store.read_bytes)
    if files:
        store.put_files("marked maps", files, inputs)
