"""Mean rank correlation of the map with those of the other methods."""

from audit.measures.explained import explained

ENTRY = explained(
    name="method_agreement",
    title="rank correlation with the maps of the other methods",
    unit="correlation",
    limits=(-1.0, 1.0),
    direction="higher",
    source="Krishna et al., TMLR 2024, arXiv:2202.01602 (rank correlation)",
    ideal=1.0,
)
