"""One file per measure: pure functions with unit, range, direction and source."""
