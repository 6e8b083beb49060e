"""One file per kind of block that a template may name."""
