"""One small MONAI network, written to disk in every format that can be registered, and as a device's own program."""

import hashlib
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.nets import BasicUNet

SIZE = 32
NETWORK = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1, "features": [4, 4, 8, 8, 8, 4], "norm": "batch"}
DEVICE = """
import csv, pathlib, sys
import numpy, onnxruntime

model, images, table = sys.argv[1:4]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
with open(table, "w", newline="") as stream:
    writer = csv.writer(stream)
    writer.writerow(["image", "lesion_mask"])
    for path in sorted(pathlib.Path(images).iterdir()):
        mask = session.run(None, {"image": numpy.load(path)[None, None].astype("float32")})[0][0, 0]
        file = path.with_suffix("").name + "_mask.npy"
        numpy.save(pathlib.Path(table).parent / file, mask)
        writer.writerow([path.name, file])
"""


class MaskNet(torch.nn.Module):
    """A U-Net with weights by seed; a lesion probability per pixel, spread over 0 to 1."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.unet = BasicUNet(**NETWORK)
        with torch.no_grad():
            self.unet.final_conv.weight.mul_(200)
            self.unet.final_conv.bias.sub_(self.unet(torch.from_numpy(example())).mean())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.unet(x))


def example(n: int = 2) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(n, 1, SIZE, SIZE)).astype(np.float32)


def write_onnx(net: torch.nn.Module, folder: Path) -> Path:
    path = folder / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net, (torch.from_numpy(example()),), str(path), dynamo=False, input_names=["image"],
            output_names=["lesion_mask"], dynamic_axes={"image": {0: "n"}, "lesion_mask": {0: "n"}},
        )  # fmt: skip
    return path


def write_torchscript(net: torch.nn.Module, folder: Path) -> Path:
    path = folder / "model.ts"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(net, torch.from_numpy(example())), path, _extra_files={"outputs": "lesion_mask"})
    return path


def write_bundle(net: torch.nn.Module, folder: Path, **sections: Any) -> Path:
    """``sections`` replace those of the inference configuration."""
    bundle = folder / "bundle"
    (bundle / "configs").mkdir(parents=True)
    (bundle / "models").mkdir()
    torch.save(net.unet.state_dict(), bundle / "models" / "model.pt")
    outputs = {"pred": {"type": "image", "num_channels": 1, "channel_def": {"0": "lesion_mask"}}}
    write_json(bundle / "configs" / "metadata.json", {"network_data_format": {"inputs": {}, "outputs": outputs}})
    config = {
        "features": NETWORK["features"],
        "network_def": {"_target_": "BasicUNet", **NETWORK, "features": "@features"},
        "network": "$@network_def.to('cpu')",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image", "reader": "NumpyReader"},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
            ],
        },
        "inferer": {"_target_": "SimpleInferer"},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
                {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5},
            ],
        },
    }
    write_json(bundle / "configs" / "inference.json", {**config, **sections})
    return bundle


def write_pickle(net: torch.nn.Module, folder: Path) -> Path:
    path = folder / "model.pth"
    torch.save(net, path)
    return path


def write_command(net: torch.nn.Module, folder: Path) -> Path:
    device = folder / "device"
    device.mkdir()
    write_onnx(net, device)
    (device / "device.py").write_text(DEVICE, encoding="utf-8")
    return device


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


WRITERS: dict[str, Callable[..., Path]] = {
    "onnx": write_onnx,
    "torchscript": write_torchscript,
    "monai_bundle": write_bundle,
    "pickle": write_pickle,
    "command": write_command,
}


def reference(kind: str, source: Path, name: str = "", version: str = "1") -> dict[str, Any]:
    """The plan's words for the version that a writer put at ``source``."""
    words: dict[str, Any] = {"kind": kind, "name": name or f"net-{kind}", "version": version}
    if kind == "pickle":
        words["sha256"] = sha256(source)
    if kind == "command":
        words["run"] = [sys.executable, "{files}/device.py", "{files}/model.onnx", "{images}", "{predictions}"]
        words["outputs"] = ["lesion_mask"]
    return words
