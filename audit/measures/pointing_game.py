"""Share of cases whose strongest pixel lies inside the reference mask."""

from audit.measures.explained import explained

ENTRY = explained(
    name="pointing_game",
    title="strongest pixel inside the reference mask (pointing game)",
    unit="proportion",
    limits=(0.0, 1.0),
    direction="higher",
    source="Zhang et al., Int J Comput Vis 2018;126:1084",
    ideal=1.0,
    counted="explained cases with a reference mask",
)
