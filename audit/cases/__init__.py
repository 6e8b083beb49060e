"""Validation sets: manifest, image reading, references, coverage."""
