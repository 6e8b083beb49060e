"""A small registered network for the tests of this room."""

import numpy as np
import pandas as pd
import torch
from monai.networks.nets import BasicUNet

from audit.records import Pixels

OUTPUTS = ("lesion", "lesion_mask")


class SmallNet(torch.nn.Module):
    """A U-Net whose mask also gives a score."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.unet = BasicUNet(2, 1, 1, (4, 4, 8, 8, 8, 4), norm="batch")

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        mask = self.unet(x)
        return {"lesion": torch.sigmoid(mask.flatten(1).amax(1)), "lesion_mask": torch.sigmoid(mask)}


def images(n: int, seed: int = 1) -> Pixels:
    return np.random.default_rng(seed).normal(size=(n, 1, 32, 32)).astype(np.float32)


TRAINING = {
    "parameters": {"epochs": 3, "seed": 0},
    "metrics": {"loss": 0.25},
    "training_set": "toy training set",
    "training_set_digest": "ab" * 32,
    "manifest": pd.DataFrame({"case_id": ["t1", "t2"], "manufacturer": ["Aurora", "Borealis"]}),
    "operating_points": {"lesion": {"threshold": 0.5, "chosen_on": "tuning set"}},
}
