"""What answers each clause, once for every document: ``templates/answers.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from audit.datafolders import data_folder
from audit.dossier.catalogues import known_requirements
from audit.dossier.lines import Lines
from audit.dossier.probes import PROBES
from audit.records import BadInput

FEEDS = (
    "run", "comparator", "arms", "repeats", "training", "readers", "measurement",
    "triage", "model", "predictive", "set", "use", "adversarial", "export",
)  # fmt: skip
KEYS = {"evidence", "owner", "feeds"}


@dataclass(frozen=True, slots=True)
class Answering:
    """Kinds of evidence of the computed part, who owns what a run cannot give, what feeds the computed part."""

    evidence: tuple[str, ...] = ()
    owner: str = "Regulatory affairs"
    feeds: str = ""


@cache
def known_answers() -> Mapping[str, Answering]:
    """Requirement id -> what answers it, as the project ships it."""
    return read_answers(data_folder("templates") / "answers.yaml")


def read_answers(path: Path) -> Mapping[str, Answering]:
    """The answers in ``path``; raises ``BadInput`` with file, line and reason for what no catalogue or probe knows."""
    source = path.read_text(encoding="utf-8")
    try:
        raw = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: not valid YAML: {' '.join(str(error).split())}.") from error
    for id_, given in raw.items():
        problem = _problem(id_, given)
        if problem:
            raise BadInput(f"{path}, line {Lines(source).of((id_,))}: {problem}")
    return MappingProxyType({id_: _answering(given) for id_, given in raw.items()})


def _answering(given: Mapping[str, Any]) -> Answering:
    return Answering(tuple(given.get("evidence", ())), given.get("owner", "Regulatory affairs"), given.get("feeds", ""))


def _problem(id_: str, given: Any) -> str:
    known = known_requirements()
    if id_ not in known:
        return f"unknown clause '{id_}'; no catalogue in templates/catalogues/ has it."
    if not isinstance(given, dict) or set(given) - KEYS:
        return f"{id_}: expected a mapping with some of {', '.join(sorted(KEYS))}."
    unknown = [kind for kind in given.get("evidence", ()) if kind not in PROBES]
    if unknown:
        return f"{id_}: unknown evidence '{unknown[0]}'; known: {', '.join(PROBES)}."
    if given.get("feeds", "run") not in FEEDS:
        return f"{id_}: unknown feeds '{given['feeds']}'; known: {', '.join(FEEDS)}."
    if bool(given.get("evidence")) != bool(given.get("feeds")):
        return f"{id_}: evidence and feeds stand together: what is bound needs its source, and the reverse."
    if known[id_].kind == "declared" and given.get("evidence"):
        return f"{id_} is declared: no evidence of a run answers it."
    return ""
