"""Squared difference between what the map predicts for covered squares and what the output does, over the latter."""

from audit.measures.explained import explained

ENTRY = explained(
    name="infidelity",
    title="infidelity of the map to covered squares",
    unit="relative",
    limits=(0.0, None),
    direction="lower",
    source="Yeh et al., NeurIPS 2019, arXiv:1901.09392 (square removal, optimal scale)",
    ideal=0.0,
)
