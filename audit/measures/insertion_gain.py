"""How much faster the output rises when the strongest regions are shown first than in random order."""

from audit.measures.explained import explained

ENTRY = explained(
    name="insertion_gain",
    title="insertion: rise of the output beyond showing in random order",
    unit="area between the curves",
    limits=(-1.0, 1.0),
    direction="higher",
    source="Petsiuk, Das & Saenko, BMVC 2018 (insertion); Samek et al., IEEE TNNLS 2017;28:2660 (random order)",
    ideal=1.0,
    counted="explained cases with an insertion curve",
)
