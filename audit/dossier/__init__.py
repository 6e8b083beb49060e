"""Template and evidence to resolved document, figures and PDF."""
