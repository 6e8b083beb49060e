"""Rank correlation of the map with that of the network whose weights are all random."""

from audit.measures.explained import explained

ENTRY = explained(
    name="randomisation_cascading",
    title="similarity to the map of the network with random weights",
    unit="absolute correlation",
    limits=(0.0, 1.0),
    direction="lower",
    source="Adebayo et al., NeurIPS 2018, arXiv:1810.03292 (cascading randomisation)",
    ideal=0.0,
)
