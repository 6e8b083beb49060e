"""Sanity check with one block of weights random at a time; see ``randomisation``."""

from audit.explanations.scores.randomisation import independent
from audit.explanations.scores.score import ExplanationScore

ENTRY = ExplanationScore("randomisation_independent", independent)
