"""PneumoniaMNIST: the validation part as a validation set (images stay inside their .npz container), and a small
network trained on the training part."""

import csv
import hashlib
import shutil
from pathlib import Path

import numpy as np
import torch

SET_YAML = Path(__file__).parent / "pneumonia_mnist" / "set.yaml"


def write_pneumonia_set(folder: Path, container: Path, part: str = "val") -> Path:
    """set.yaml, a copy of the container under images/ and a manifest of ``part``, in ``folder``, which is returned."""
    (folder / "images").mkdir(parents=True)
    shutil.copyfile(SET_YAML, folder / "set.yaml")
    data = container.read_bytes()
    (folder / "images" / container.name).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    with np.load(container, allow_pickle=False) as arrays:
        labels = arrays[f"{part}_labels"].reshape(-1)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["case_id", "patient_id", "image", "sha256", "site", "pneumonia"])
        for row, label in enumerate(labels):
            case = f"{part}-{row:04d}"
            rows.writerow([case, case, f"{container.name}#{part}_images[{row}]", digest, "Guangzhou", int(label)])
    return folder


class SmallNetwork(torch.nn.Module):
    """Two convolutions over 0..255 grey values, means over a 4 x 4 grid, one probability."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torch.nn.Sequential(
            torch.nn.Conv2d(1, 12, 5, stride=2, padding=2),
            torch.nn.ReLU(),
            torch.nn.Conv2d(12, 24, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(4),
        )
        self.score = torch.nn.Linear(24 * 16, 1)

    def logit(self, x: torch.Tensor) -> torch.Tensor:
        return self.score(self.features(x / 255 - 0.5).flatten(1))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"pneumonia": torch.sigmoid(self.logit(x)).flatten()}


def train_network(container: Path, epochs: int = 4, seed: int = 0) -> SmallNetwork:
    """The network, trained on the container's training part; a few seconds on one core."""
    with np.load(container, allow_pickle=False) as arrays:
        images = torch.from_numpy(arrays["train_images"].astype(np.float32))[:, None]
        labels = torch.from_numpy(arrays["train_labels"].reshape(-1).astype(np.float32))
    torch.manual_seed(seed)
    network = SmallNetwork()
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    loss = torch.nn.BCEWithLogitsLoss()
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(64):
            optimiser.zero_grad()
            loss(network.logit(images[batch]).flatten(), labels[batch]).backward()
            optimiser.step()
    return network.eval()
