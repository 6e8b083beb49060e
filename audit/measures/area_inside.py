"""Share of the image that the reference mask covers: the attribution that chance would put there."""

from audit.measures.explained import explained

ENTRY = explained(
    name="area_inside",
    title="image area inside the reference mask",
    unit="proportion",
    limits=(0.0, 1.0),
    direction="nearer",
    source="Wang et al., Score-CAM, CVPR Workshops 2020",
    counted="explained cases with a reference mask",
)
