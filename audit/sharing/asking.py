"""Answers a question put after the results were seen: one group, every measure, with intervals and counts.

Such an answer is post hoc and descriptive: it carries no verdict and enters no document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from audit.decision_tables import RATIONALES, outcome
from audit.estimates import estimate
from audit.evidence.store import AuditStore
from audit.explanations.marking import marks, shown_path
from audit.explanations.rationale import sentences, vocabulary
from audit.measures.choice import known_measures
from audit.plan import Plan, Resampling
from audit.records import BadInput
from audit.sequestering import withheld
from audit.sharing.showing_marks import draw_marks
from audit.tables import (
    CASES,
    DISPOSITIONS,
    EXPLANATION_VERDICTS,
    EXPLANATIONS,
    LOCALISATIONS,
    OBSERVATIONS,
    OVERALL,
    stratum_column,
)
from audit.tabulating import stored_plan, stored_setting

STATUS = "post hoc and descriptive, unadjusted; no verdict"


@dataclass(frozen=True, slots=True)
class GroupAnswer:
    """``rows`` are ESTIMATES of the group; ``pictures`` the overlays of explained cases in it; ``titles`` names each
    measure in the words that the kind of reference allows; ``withheld`` counts explained cases that are not shown
    because their set is sequestered; ``rationales`` tells of a picture, by its path, what is known of its case, and
    ``marks`` that its map must not be trusted; ``detections``: picture of a detection case, and what it shows.
    """

    group: str
    rows: pd.DataFrame
    pictures: tuple[Path, ...]
    titles: Mapping[str, str]
    withheld: int = 0
    rationales: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    detections: Mapping[Path, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The answer for machines."""
        rows = json.loads(self.rows.to_json(orient="records"))
        return {
            "group": self.group,
            "status": STATUS,
            "estimates": rows,
            "titles": {name: title for name, title in self.titles.items() if name in set(self.rows["measure"])},
            "pictures": [str(path) for path in self.pictures],
            "rationales": dict(self.rationales),
            "marks": dict(self.marks),
            "withheld": self.withheld,
            "detections": {str(path): said for path, said in self.detections.items()},
        }

    def as_text(self) -> str:
        """The answer for people: one line per version, target and measure."""
        lines = [f"{self.group}: {STATUS}."]
        shown = self.rows["kind"].isin(("value", "change")) & ~self.rows["version"].str.contains(" + ", regex=False)
        for (target, measure), rows in self.rows[shown].groupby(["target", "measure"], sort=False):
            lines.append(f"{target}, {self.titles.get(str(measure), measure)}")
            lines += [f"  {row.version:<24} {_answer(row)}" for row in rows.itertuples()]
        if self.pictures:
            lines.append("Pictures of explained cases in this group, with what is known of each:")
        for path in self.pictures:
            told = (self.marks.get(str(path)), self.rationales.get(str(path)))
            lines += [f"  {path}", *(f"    {words}" for words in told if words)]
        if self.detections:
            lines.append("Pictures of reference standard and marks:")
        lines += [f"  {path}\n    {said}" for path, said in self.detections.items()]
        if self.withheld:
            lines.append(f"{self.withheld} cases of a sequestered set are not shown; see --role assessment.")
        return "\n".join(lines)


def _answer(row: Any) -> str:
    sizes = _counted(row.n_patients, "patient"), _counted(row.n_cases, "image")
    counts = f"{', '.join(sizes)}, {_or_dash(row.n_events)} reference-positive"
    if pd.isna(row.value):
        return f"undefined: {row.undefined} ({counts})"
    if pd.isna(row.low):
        return f"{row.value:.3f}, no interval: {row.undefined} ({counts})"
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}] {row.method} ({counts})"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _or_dash(value: Any) -> str:
    return "-" if pd.isna(value) else str(value)


def ask(
    store: AuditStore,
    conditions: Sequence[str],
    role: str = "",
    who: str = "",
    at: str = "",
    pictures: Path | None = None,
    sets: Path | None = None,
) -> GroupAnswer:
    """The estimates of the cases that meet every condition 'attribute=level' (strata of the plan).

    No condition asks about the whole set. Pictures of sequestered cases are for the ``role`` 'assessment', whose look
    at them is registered (``who``, ``at``). ``pictures``: folder for pictures of detection cases, drawn from the images
    in ``sets`` (see ``sets_today``). Raises ``BadInput`` for an unknown attribute or level.
    """
    plan = stored_plan(store)
    cases = store.read_table(CASES)
    wanted = read_conditions(conditions)
    keep = _chosen(cases, wanted)
    inside = cases[keep]
    rows = _estimates(plan, inside, store)
    explained = store.read_table(EXPLANATIONS)
    mine = explained[explained["case_id"].isin(inside["case_id"]) & explained["overlay"].notna()]
    asked = set(mine["case_id"].astype(str)) | (set(inside["case_id"].astype(str)) if pictures else set())
    hidden = withheld(store, asked, role, "in an answer to a question", who, at)
    shown = mine[~mine["case_id"].isin(hidden)]
    titles = {m.name: m.title for m in known_measures(plan, stored_setting(store))}
    overlays = tuple(store.folder / shown_path(str(path), store.has) for path in shown["overlay"].unique())
    allowed = frozenset(inside["case_id"].astype(str)) - hidden
    drawn = draw_marks(store, plan, allowed, pictures, sets) if pictures and plan.detects else {}
    group = " & ".join(f"{a}={v}" for a, v in wanted.items()) or OVERALL
    return GroupAnswer(
        group, rows, overlays, titles, len(hidden), _rationales(store, shown), _marks(store, shown), drawn
    )


def _rationales(store: AuditStore, shown: pd.DataFrame) -> dict[str, str]:
    """What is known of each shown picture's case, in sentences; nothing from audits without the table."""
    if not store.has(f"tables/{RATIONALES.name}.parquet"):
        return {}
    table, observations, found = store.read_table(RATIONALES), store.read_table(OBSERVATIONS), {}
    for row in shown.to_dict("records"):
        mine = table
        for name in ("version", "case_id", "target"):
            mine = mine[mine[name] == row[name]]
        mine = mine[mine["method"].isna() | (mine["method"] == row["method"])].sort_values(["sentence", "place"])
        told = sentences(dict(zip(mine["fact"], mine["phrase"], strict=True)), vocabulary("en"))
        path = str(store.folder / shown_path(str(row["overlay"]), store.has))
        found[path] = f"{_decision(observations, row)}{told}"
    return found


def _decision(observations: pd.DataFrame, row: Mapping[Any, Any]) -> str:
    """'False negative. ' before what is known of the case; nothing where it has no reference or no decision."""
    seen = observations[observations["case_id"] == row["case_id"]]
    seen = seen[(seen["version"] == row["version"]) & (seen["target"] == row["target"])]
    seen = seen[seen["reference"].notna() & seen["decision"].notna()]
    if not len(seen):
        return ""
    return f"{outcome(float(seen['reference'].iloc[0]), float(seen['decision'].iloc[0])).capitalize()}. "


def _marks(store: AuditStore, shown: pd.DataFrame) -> dict[str, str]:
    """The mark of each shown picture that has one; none in audits that did not examine their maps."""
    if not store.has(f"tables/{EXPLANATION_VERDICTS.name}.parquet"):
        return {}
    found = marks(shown, store.read_table(EXPLANATION_VERDICTS))
    return {str(store.folder / shown_path(overlay, store.has)): words for overlay, words in found.items()}


def _estimates(plan: Plan, cases: pd.DataFrame, store: AuditStore) -> pd.DataFrame:
    """Estimates of the group alone: the plan without strata, on the group's rows."""
    without: dict[str, Any] = {"strata": {}, "intersections": (), "endpoints": (), "claim_families": ()}
    bare = plan.model_copy(update={**without, "resampling": _without_strata(plan)})
    ids = cases["case_id"]
    tables = (store.read_table(OBSERVATIONS), store.read_table(DISPOSITIONS))
    observations, fates = (table[table["case_id"].isin(ids)] for table in tables)
    localised = store.read_table(LOCALISATIONS) if plan.detects else None
    return estimate(bare, cases, observations, fates, stored_setting(store), localised)


def _without_strata(plan: Plan) -> Resampling:
    """The plan's resampling; not within a stratum, which the bare plan no longer has."""
    found = plan.resampling
    return found.model_copy(update={"stratified_by": None}) if found.stratified_by in plan.strata else found


def read_conditions(conditions: Sequence[str]) -> dict[str, str]:
    """'attribute=level' texts as attribute -> level.

    Raises ``BadInput`` for a text of another form and for two levels of one attribute.
    """
    wanted: dict[str, str] = {}
    for attribute, level in map(_split, conditions):
        if wanted.setdefault(attribute, level) != level:
            raise BadInput(
                f"{attribute} is asked to be both '{wanted[attribute]}' and '{level}', which no case is; "
                "give one level per attribute and ask twice."
            )
    return wanted


def _split(condition: str) -> tuple[str, str]:
    attribute, sign, level = condition.partition("=")
    if not sign or not attribute or not level:
        raise BadInput(f"'{condition}' is no condition; write attribute=level, for example sex=F.")
    return attribute.strip(), level.strip()


def _chosen(cases: pd.DataFrame, wanted: Mapping[str, str]) -> pd.Series[bool]:
    keep = pd.Series(True, index=cases.index)
    for attribute, level in wanted.items():
        column = stratum_column(attribute)
        if column not in cases:
            known = sorted(str(c).partition(":")[2] for c in cases if str(c).startswith("stratum:"))
            raise BadInput(f"attribute '{attribute}' is no stratum of this audit; it has {', '.join(known)}.")
        levels = sorted(cases[column].dropna().unique())
        if level not in levels:
            raise BadInput(f"attribute '{attribute}' has no level '{level}'; it has {', '.join(levels)}.")
        keep &= cases[column] == level
    return keep
