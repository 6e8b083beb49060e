"""A short rationale of each explained case, phrase by phrase, each phrase with the place of its fact in the evidence.

The words are data (``rationale.yaml``); nothing is said that does not stand in a table of the audit. The text of a
label (a hospital's name of a manufacturer) is printed, never interpreted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import pandas as pd
import yaml

from audit.decision_tables import RATIONALES
from audit.explanations.map_regions import QUADRANTS, REFERENCE_MASK
from audit.explanations.wording import number, share
from audit.plan import Plan
from audit.records import BadInput
from audit.tables import ALL, OVERALL, UNKNOWN, stratum_column

UNKNOWN_PHRASE = "_unknown"
LONGEST_LABEL = 80
Row = Mapping[str, Any]
Words = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: the phrase that states it, what fills the phrase, and where it stands (kind of product, pointer)."""

    name: str
    values: Mapping[str, str]
    product: str | None = None
    pointer: str | None = None
    method: str | None = None


@dataclass(frozen=True)
class Known:
    """The tables that rationales are made from. ``observations`` in the order in which the evidence keeps them."""

    plan: Plan
    cases: pd.DataFrame
    explanations: pd.DataFrame
    observations: pd.DataFrame
    estimates: pd.DataFrame
    regions: pd.DataFrame
    uncertainty: pd.DataFrame


def rationales_table(known: Known, titles: Mapping[str, str], language: str = "en") -> pd.DataFrame:
    """RATIONALES of every explained case of each version; ``titles`` names the methods in words.

    Raises ``BadInput`` for a language that ``rationale.yaml`` does not have.
    """
    words = vocabulary(language)
    rows: list[dict[str, Any]] = []
    keys = ["version", "case_id", "patient_id", "target"]
    for key, part in known.explanations.groupby(keys, sort=False):
        about = dict(zip(keys, map(str, key), strict=True))
        facts = _facts(known, about, [str(method) for method in part["method"]], titles, words)
        rows += _phrased(about, facts, words)
    return RATIONALES.conform(pd.DataFrame(rows, columns=list(RATIONALES.columns)))


@cache
def vocabulary(language: str) -> Words:
    """Words, phrases and the order of sentences in one language."""
    text = files("audit.explanations").joinpath("rationale.yaml").read_text(encoding="utf-8")
    known = yaml.safe_load(text)
    if language not in known:
        raise BadInput(f"rationales are not written in '{language}'; known: {', '.join(known)}.")
    return MappingProxyType(known[language])


def sentences(phrases: Mapping[str, str], words: Words) -> str:
    """Phrases by name as running text: those of a sentence joined by commas, the first letter capital."""
    found = []
    for names in words["sentences"]:
        kept = [phrases[name] for name in names if name in phrases]
        if kept:
            joined = ", ".join(kept)
            found.append(f"{joined[:1].upper()}{joined[1:]}.")
    return " ".join(found)


def _phrased(about: Row, facts: list[Fact], words: Words) -> Iterator[dict[str, Any]]:
    for place, fact in enumerate(facts, start=1):
        phrase = words["phrases"][fact.name].format_map(dict(fact.values))
        key = "|".join([*map(str, about.values()), fact.name, fact.method or ""])
        yield {
            "rationale_id": f"r{hashlib.sha256(key.encode()).hexdigest()[:10]}",
            **about,
            "method": fact.method,
            "place": place,
            "sentence": _sentence(fact.name.removesuffix(UNKNOWN_PHRASE), words),
            "fact": fact.name.removesuffix(UNKNOWN_PHRASE),
            "phrase": phrase,
            "product": fact.product,
            "pointer": fact.pointer,
        }


def _sentence(name: str, words: Words) -> int:
    return next(number for number, names in enumerate(words["sentences"], start=1) if name in names)


def _facts(known: Known, about: Row, methods: list[str], titles: Mapping[str, str], words: Words) -> list[Fact]:
    place, seen = _observed(known, about)
    found = [*_answer(known, about, place, seen, words), *_reference(known, about, place, seen, words)]
    for method in methods:
        found += _where(known, about, method, titles.get(method, method), words)
    return [*found, *_limitation(known, about, seen, words), *_uncertain(known, about, words)]


def _observed(known: Known, about: Row) -> tuple[int, Row]:
    """Row number and values of the case's observation; nothing where it has none."""
    table = known.observations
    mine = table[(table["version"] == about["version"]) & (table["target"] == about["target"])]
    mine = mine[mine["case_id"] == about["case_id"]]
    if not len(mine):
        return -1, {}
    row = mine.iloc[0]
    return int(mine.index[0]), {str(name): value for name, value in row.items() if pd.notna(value)}


def _answer(known: Known, about: Row, place: int, seen: Row, words: Words) -> Iterator[Fact]:
    if "score" not in seen:
        yield Fact("score_unknown", {})
        return
    yield Fact("score", {"score": number(float(seen["score"]))}, *_cell("observations", "rows", place, "score"))
    target = known.plan.targets[about["target"]]
    point = target.operating_point_of(about["version"])
    if point is not None:
        own = about["version"] == "comparator" and target.comparator_operating_point is not None
        where = "comparator_operating_point" if own else "operating_point"
        address = _cell("plan", "targets", about["target"], where, "threshold")
        yield Fact("threshold", {"threshold": number(point.threshold)}, *address)
    if "decision" in seen:
        answer = words["words"]["positive" if seen["decision"] == 1 else "negative"]
        yield Fact("decision", {"decision": answer}, *_cell("observations", "rows", place, "decision"))


def _reference(known: Known, about: Row, place: int, seen: Row, words: Words) -> Iterator[Fact]:
    if "reference" not in seen:
        yield Fact("reference_unknown", {})
        return
    answer = words["words"]["positive" if seen["reference"] == 1 else "negative"]
    yield Fact("reference", {"reference": answer}, *_cell("observations", "rows", place, "reference"))
    masks = _regions(known, about, None)
    masks = masks[(masks["region"] == REFERENCE_MASK) & masks["extent"].notna()]
    if len(masks):
        row = masks.iloc[0]
        values = {"size": _size(float(row["extent"]), str(row["unit"])), "unit": words["words"][str(row["unit"])]}
        yield Fact("size", values, *_cell("map_regions", row["region_id"], "extent"))


def _size(extent: float, unit: str) -> str:
    return f"{extent:.0f}" if unit == "mm2" else f"{extent:.2f}"


def _where(known: Known, about: Row, method: str, title: str, words: Words) -> Iterator[Fact]:
    mine = _regions(known, about, method)
    quarters = mine[mine["region"].isin(QUADRANTS) & mine["share"].notna()]
    if not len(quarters):
        yield Fact("region_unknown", {"method": title}, method=method)
        return
    most = quarters.iloc[int(quarters["share"].astype(float).to_numpy().argmax())]
    values = {"method": title, "share": share(float(most["share"])), "region": words["words"][str(most["region"])]}
    yield Fact("region", values, *_cell("map_regions", most["region_id"], "share"), method)
    masks = mine[(mine["region"] == REFERENCE_MASK) & mine["share"].notna()]
    for row in masks.to_dict("records"):
        inside = _cell("map_regions", row["region_id"], "share")
        yield Fact("inside", {"share": share(float(row["share"]))}, *inside, method)
        yield Fact("area", {"area": share(float(row["area"]))}, *_cell("map_regions", row["region_id"], "area"), method)


def _regions(known: Known, about: Row, method: str | None) -> pd.DataFrame:
    table = known.regions
    for name in ("version", "case_id", "target"):
        table = table[table[name] == about[name]]
    return table if method is None else table[table["method"] == method]


def _limitation(known: Known, about: Row, seen: Row, words: Words) -> Iterator[Fact]:
    """The group of the case whose sensitivity (reference-positive) or specificity lies furthest below the whole set's,
    of those whose whole interval does."""
    if "reference" not in seen:
        return
    measure = "sensitivity" if seen["reference"] == 1 else "specificity"
    table = known.estimates
    table = table[(table["kind"] == "value") & (table["version"] == about["version"]) & (table["measure"] == measure)]
    table = table[(table["target"] == about["target"]) & table["value"].notna()]
    whole = table[(table["attribute"] == OVERALL) & (table["level"] == ALL)]
    levels = _levels(known, str(about["case_id"]))
    mine = [row for row in table.to_dict("records") if levels.get(row["attribute"]) == row["level"]]
    if not len(whole):
        return
    lower = [row for row in mine if pd.notna(row["high"]) and row["high"] < whole["value"].iloc[0]]
    if lower:
        row = min(lower, key=lambda each: (each["value"], each["attribute"]))
        values = {name: number(float(row[name])) for name in ("value", "low", "high")}
        values |= {
            "measure": words["words"][measure],
            "attribute": plain(row["attribute"]),
            "level": plain(row["level"]),
        }
        yield Fact("limitation", values, *_cell("estimates", row["estimate_id"], "value"))


def _levels(known: Known, case_id: str) -> dict[str, str]:
    row = known.cases[known.cases["case_id"] == case_id].iloc[0]
    found = {name: row.get(stratum_column(name)) for name in known.plan.strata}
    return {name: str(level) for name, level in found.items() if pd.notna(level) and level != UNKNOWN}


def _uncertain(known: Known, about: Row, words: Words) -> Iterator[Fact]:
    table = known.uncertainty
    for name in ("version", "case_id", "target"):
        table = table[table[name] == about[name]]
    for row in table.to_dict("records"):
        here = row["uncertainty_id"]
        if pd.notna(row["with_positive"]):
            kind = {(True, True): "both", (True, False): "only positive", (False, True): "only negative"}
            name = kind.get((bool(row["with_positive"]), bool(row["with_negative"])), "neither")
            yield Fact("set", {"set": words["words"][name]}, *_cell("uncertainty", here, "with_positive"))
        if pd.notna(row["spread"]):
            values = {"copies": str(int(row["copies"])), "spread": number(float(row["spread"]))}
            yield Fact("spread", values, *_cell("uncertainty", here, "spread"))
        if pd.notna(row["turned"]):
            yield Fact("turned", {"turned": share(float(row["turned"]))}, *_cell("uncertainty", here, "turned"))


def plain(label: object) -> str:
    """A label as one short line of printable text."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in str(label)).split())
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def _cell(product: str, *tokens: object) -> tuple[str, str]:
    """Kind of product and pointer into it, as ``audit.dossier.pointers`` reads them."""
    return product, "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
