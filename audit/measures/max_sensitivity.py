"""Largest relative change of the map under small changes of the image."""

from audit.measures.explained import explained

ENTRY = explained(
    name="max_sensitivity",
    title="largest change of the map under small changes (max-sensitivity)",
    unit="relative",
    limits=(0.0, None),
    direction="lower",
    source="Yeh et al., NeurIPS 2019, arXiv:1901.09392",
    ideal=0.0,
)
