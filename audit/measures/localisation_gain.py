"""Attribution inside the reference mask beyond the share of the image that the mask covers."""

from audit.measures.explained import explained

ENTRY = explained(
    name="localisation_gain",
    title="attribution inside the reference mask beyond its area",
    unit="proportion",
    limits=(-1.0, 1.0),
    direction="higher",
    source="Wang et al., Score-CAM, CVPR Workshops 2020; difference from chance",
    ideal=1.0,
    counted="explained cases with a reference mask",
)
