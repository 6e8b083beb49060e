"""The two resampling products on a torch device, for graphics processors; counts are exact in 64-bit integers."""

from __future__ import annotations

import numpy as np
import torch

from audit.records import BoolArray, FloatArray, IntArray

BLOCK = 64


def ratio_replicates(counts: torch.Tensor, numerator: torch.Tensor, denominator: torch.Tensor) -> torch.Tensor:
    """Counts uint8 (resamples, patients), sums float64 (patients, k) -> ratios (resamples, k), NaN where undefined."""
    width = numerator.shape[1]
    sums = torch.cat([numerator, denominator], dim=1)
    blocks = [counts[i : i + BLOCK].to(torch.float64) @ sums for i in range(0, len(counts), BLOCK)]
    both = torch.cat(blocks)
    ratios = both[:, :width] / both[:, width:]
    return torch.where(both[:, width:] == 0, torch.nan, ratios)


def auroc_replicates(counts: torch.Tensor, patient: IntArray, score: FloatArray, positive: BoolArray) -> torch.Tensor:
    """AUROC (ties 1/2) in every resample, (resamples,) float64 on the device of ``counts``, NaN without a class."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    of_case = np.cumsum(np.isin(np.arange(ordered.size), starts)) - 1
    last = np.append(starts[1:], ordered.size) - 1
    columns = torch.as_tensor(patient[order], device=counts.device)
    labels = torch.as_tensor(positive[order], device=counts.device)
    tied, ends = torch.as_tensor(of_case, device=counts.device), torch.as_tensor(last, device=counts.device)
    blocks = [_areas(counts[i : i + BLOCK], columns, labels, tied, ends) for i in range(0, len(counts), BLOCK)]
    return torch.cat(blocks)


def _areas(
    counts: torch.Tensor, columns: torch.Tensor, labels: torch.Tensor, tied: torch.Tensor, ends: torch.Tensor
) -> torch.Tensor:
    drawn = counts[:, columns].to(torch.int64)
    hits, alarms = drawn * labels, drawn * ~labels
    through = torch.cumsum(alarms, dim=1)[:, ends]
    before = torch.nn.functional.pad(through[:, :-1], (1, 0))
    doubled = (hits * (through + before)[:, tied]).sum(dim=1)
    pairs = hits.sum(dim=1) * alarms.sum(dim=1)
    return torch.where(pairs == 0, torch.nan, doubled.to(torch.float64) / (2 * pairs))
