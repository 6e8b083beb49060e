"""Scores that one map has for itself, one file each; their means and intervals are measures."""
