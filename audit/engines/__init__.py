"""Where the one pass runs; the same result on any engine."""
