"""Share of absolute attribution that falls inside the reference mask."""

from audit.measures.explained import explained

ENTRY = explained(
    name="energy_inside",
    title="attribution inside the reference mask",
    unit="proportion",
    limits=(0.0, 1.0),
    direction="higher",
    source="Wang et al., Score-CAM (energy-based pointing game), CVPR Workshops 2020",
    ideal=1.0,
    counted="explained cases with a reference mask",
)
