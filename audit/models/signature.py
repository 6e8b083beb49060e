"""The output names that an MLflow signature declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.models


def signature_outputs(folder: Path) -> tuple[str, ...]:
    """Names of the outputs in the model's signature; empty where it has none, or unnamed ones."""
    signature: Any = mlflow.models.get_model_info(str(folder)).signature
    if signature is None or signature.outputs is None or not signature.outputs.has_input_names():
        return ()
    return tuple(signature.outputs.input_names())
