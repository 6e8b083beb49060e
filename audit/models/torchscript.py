"""TorchScript: an archive with its own small interpreter; Python code is neither stored in it nor run from it."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from audit.model_refs import TorchScriptModel
from audit.models.folder import only_file
from audit.models.model import Format, Loaded, named
from audit.models.quiet import quiet
from audit.records import BadInput

NAMES = "outputs"


def load(ref: TorchScriptModel, folder: Path, device: str) -> Loaded:
    """The archive on ``device``, in evaluation mode. Outputs take the names of a returned dictionary, or those that
    the archive's extra file 'outputs' lists (comma separated), else ``output_0``, ..."""
    path = only_file(folder, (".ts", ".pt", ".pth"), ref)
    extra = {NAMES: ""}
    try:
        with quiet():
            network: torch.nn.Module = torch.jit.load(  # type: ignore[no-untyped-call]
                io.BytesIO(path.read_bytes()), map_location=device, _extra_files=extra
            ).eval()
    except RuntimeError as error:
        label = f"model {ref.name} version {ref.version}"
        raise BadInput(f"{label}: {path.name} is no TorchScript archive; save it with torch.jit.save.") from error
    for weight in network.parameters():
        weight.requires_grad_(False)
    names = _names(extra[NAMES])
    return Loaded(names, lambda batch: named(network(batch), names), lambda: network)


def _names(written: str | bytes) -> tuple[str, ...]:
    text = written.decode() if isinstance(written, bytes) else written
    return tuple(part.strip() for part in text.split(",") if part.strip())


ENTRY = Format("torchscript", "TorchScript", load)
