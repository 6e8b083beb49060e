"""The network of the embedded example: a MONAI ``BasicUNet`` whose lesion mask also decides whether there is a lesion.

Normalisation belongs to the version and so stands inside the module: the exported model takes stored pixel values.
"""

from __future__ import annotations

from pathlib import Path

import torch
from monai.networks.nets import BasicUNet
from safetensors.torch import load_file

OUTPUTS = ("lesion", "lesion_mask", "lesion_logit")
VERSIONS = ("v1", "v2")
WEIGHTS = Path(__file__).parent / "weights"
FEATURES = (8, 16, 32, 64, 64, 8)
STRONGEST = 10
EDGE = 0.02  # of the image's mean: where the head ends


class LesionNetwork(torch.nn.Module):
    """Lesion probability and lesion mask of one axial FLAIR slice.

    The lesion logit is a line through the mean logit of the mask's ten strongest pixels, about the smallest lesion's
    area; one network and one explanation therefore serve both tasks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unet = BasicUNet(
            spatial_dims=2,
            in_channels=1,
            out_channels=1,
            features=FEATURES,
            act="relu",
            norm="batch",
            upsample="deconv",
        )
        self.slope = torch.nn.Parameter(torch.tensor(1.0))
        self.offset = torch.nn.Parameter(torch.tensor(0.0))

    def forward(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Stored values (N, 1, H, W) -> OUTPUTS: probability (N,), mask probability (N, 1, H, W), logit (N,)."""
        mask, logit = self.logits(pixels)
        return {"lesion": torch.sigmoid(logit), "lesion_mask": torch.sigmoid(mask), "lesion_logit": logit}

    def logits(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mask logits (N, 1, H, W) and lesion logits (N,)."""
        mask = self.unet(normalised(pixels))
        strongest = torch.topk(mask.flatten(1), STRONGEST, dim=1).values.mean(dim=1)
        return mask, self.slope * strongest + self.offset


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """Mean 0 and SD 1 over the head, taken as the pixels brighter than half of the image's mean.

    The edge is a steep sigmoid and no step: pixels that cross a step along a path of integrated gradients change the
    output without a derivative, so that no map of the network could add up.
    """
    average = pixels.mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    head = torch.sigmoid((pixels / average - 0.5) / EDGE)
    count = head.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    mean = (pixels * head).sum(dim=(1, 2, 3), keepdim=True) / count
    variance = ((pixels - mean) ** 2 * head).sum(dim=(1, 2, 3), keepdim=True) / count
    return (pixels - mean) / (variance + 1e-6).sqrt()


def build_network() -> LesionNetwork:
    """An untrained network; its mask starts rare (output bias -4), as lesions are."""
    network = LesionNetwork()
    bias = network.unet.final_conv.bias
    assert isinstance(bias, torch.nn.Parameter)
    torch.nn.init.constant_(bias, -4.0)
    return network


def load_version(name: str) -> LesionNetwork:
    """The trained version ``v1`` or ``v2``, in evaluation mode."""
    network = LesionNetwork()
    network.load_state_dict(load_file(WEIGHTS / f"{name}.safetensors"))
    return network.eval()
