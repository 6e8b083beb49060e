"""The embedded example: phantom, scanners, cohort, validation set, two network versions. Simulated, and says so."""
