"""Mean rank correlation of the map with those of networks of which one block of layers is random."""

from audit.measures.explained import explained

ENTRY = explained(
    name="randomisation_independent",
    title="similarity to maps with one block of layers random",
    unit="absolute correlation",
    limits=(0.0, 1.0),
    direction="lower",
    source="Adebayo et al., NeurIPS 2018, arXiv:1810.03292 (independent randomisation)",
    ideal=0.0,
)
