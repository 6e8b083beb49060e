"""Opening a version: MLflow registry (pt2) or recorded predictions."""
