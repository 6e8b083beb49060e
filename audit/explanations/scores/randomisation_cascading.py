"""Sanity check with all weights random, block by block; see ``randomisation``."""

from audit.explanations.scores.randomisation import cascading
from audit.explanations.scores.score import ExplanationScore

ENTRY = ExplanationScore("randomisation_cascading", cascading)
