"""Where a document shows each kind of evidence: the blocks that print it, and the pages on which they begin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from audit.dossier.content import Node

SHOWN_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "plan": ("plan",),
        "locked plan": ("plan",),
        "validation set": ("sets",),
        "reference standard": ("sets", "precision readers"),
        "training set digest": ("model",),
        "leakage search": ("concerns", "sets"),
        "cases": ("population_table",),
        "equipment": ("population_table",),
        "representativeness": ("population_table",),
        "case flow": ("case_flow",),
        "observations": ("two_by_two",),
        "model version": ("model",),
        "environment": ("environment",),
        "accesses": ("accesses",),
        "endpoints": ("endpoints",),
        "overall estimates": ("estimates_table overall",),
        "predictive values": ("estimates_table overall",),
        "measurement agreement": ("agreement", "estimates_table overall"),
        "triage times": ("estimates_table overall",),
        "subgroup estimates": ("estimates_table subgroups", "forest_plot"),
        "contrasts": ("fairness",),
        "change between versions": ("estimates_table changes",),
        "earlier versions": ("estimates_table changes",),
        "worst case": ("estimates_table worst case",),
        "robustness": ("estimates_table robustness",),
        "calibration": ("calibration_plot",),
        "explanations": ("explanations",),
        "importance": ("importance",),
        "repeatability": ("precision repeatability",),
        "reader agreement": ("precision readers",),
    }
)
"""Kind of evidence -> blocks that print it; a kind without a run behind it (a reader study) is printed by none."""


@dataclass(slots=True)
class Shared:
    """What the documents of one run share: blocks that were built already, and the pages of those laid out before.

    ``elsewhere``: their headings' pages by ``content.page_key``, for whoever names a section of another document.
    """

    blocks: dict[tuple[str, str], tuple[Node, ...]] = field(default_factory=dict)
    pages: dict[str, Mapping[str, int]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, int] = field(default_factory=dict)


def block_name(kind: str, parameters: Mapping[str, Any]) -> str:
    """A block with what it shows: 'estimates_table overall'."""
    return " ".join((kind, *(str(parameters[name]) for name in ("show", "of") if name in parameters)))


def place_key(caption: str) -> str:
    """The key under which a layout notes the page of a captioned table or figure."""
    return f"at: {caption}"


def first_place(nodes: Iterable[Node]) -> str:
    """The key of the first table or figure with a caption; empty where there is none."""
    captions = (getattr(node, "caption", "") for node in nodes)
    return next((place_key(caption) for caption in captions if caption), "")


def places_of(evidence: Iterable[str], places: Mapping[str, str]) -> Iterator[str]:
    """The keys of the places in a document that show these kinds of evidence, each once; the first block it has."""
    wanted = (next((places[b] for b in SHOWN_BY.get(kind, ()) if places.get(b)), "") for kind in evidence)
    yield from dict.fromkeys(key for key in wanted if key)
