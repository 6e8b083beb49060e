"""Rank correlation of the map with that of the image under added scanner noise."""

from audit.measures.explained import explained

ENTRY = explained(
    name="stability",
    title="rank correlation of the map under scanner noise",
    unit="correlation",
    limits=(-1.0, 1.0),
    direction="higher",
    source="Alvarez-Melis & Jaakkola, arXiv:1806.08049 (robustness); noise as Gudbjartsson & Patz 1995",
    ideal=1.0,
)
