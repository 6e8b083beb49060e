"""A pickled torch module: opened only where the plan names the file's digest, for a pickle can run any code."""

from __future__ import annotations

import copy
import hashlib
import io
from pathlib import Path

import torch

from audit.model_refs import PickledModel
from audit.models.folder import only_file
from audit.models.model import Format, Loaded, frozen, named
from audit.models.quiet import quiet
from audit.models.signature import signature_outputs
from audit.records import BadInput


def load(ref: PickledModel, folder: Path, device: str) -> Loaded:
    """The module on ``device`` in evaluation mode; raises ``BadInput`` before anything is unpickled."""
    path = only_file(folder, (".pth", ".pt", ".pkl"), ref)
    data = path.read_bytes()
    found, label = hashlib.sha256(data).hexdigest(), f"model {ref.name} version {ref.version}"
    if found != ref.sha256:
        raise BadInput(f"{label}: the plan allows the pickle {ref.sha256}, but {path.name} is {found}; not opened.")
    try:
        with quiet():
            network = torch.load(io.BytesIO(data), map_location=device, weights_only=False)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{label}: {path.name} cannot be unpickled here ({reason}); export it as pt2.") from error
    if not isinstance(network, torch.nn.Module):
        raise BadInput(f"{label}: {path.name} holds a {type(network).__name__}; a torch.nn.Module was expected.")
    network.eval()
    names = signature_outputs(folder)
    return Loaded(names, lambda batch: named(network(batch), names), lambda: frozen(copy.deepcopy(network)))


ENTRY = Format("pickle", "pickled torch module, by digest", load)
