"""Statements, ledger, MLflow store, locks and verification."""
