"""Overlap of the reference mask with as many of the strongest pixels as it has."""

from audit.measures.explained import explained

ENTRY = explained(
    name="iou_equal_area",
    title="overlap of the mask with as many strongest pixels (IoU)",
    unit="proportion",
    limits=(0.0, 1.0),
    direction="higher",
    source="Arras, Osman & Samek, Information Fusion 2022;81:14 (relevance rank accuracy), as IoU",
    ideal=1.0,
    counted="explained cases with a reference mask",
)
