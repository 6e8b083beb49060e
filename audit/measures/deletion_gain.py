"""How much faster the output falls when the strongest regions are removed first than in random order."""

from audit.measures.explained import explained

ENTRY = explained(
    name="deletion_gain",
    title="deletion: fall of the output beyond removal in random order",
    unit="area between the curves",
    limits=(-1.0, 1.0),
    direction="higher",
    source="Petsiuk, Das & Saenko, BMVC 2018 (deletion); Samek et al., IEEE TNNLS 2017;28:2660 (random order)",
    ideal=1.0,
    counted="explained cases with a deletion curve",
)
