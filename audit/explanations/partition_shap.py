"""Partition SHAP: Owen values of the cells of a grid, shared out by halving the image again and again."""

from __future__ import annotations

import numpy as np
import shap

from audit.explanations.baselines import baseline_images
from audit.explanations.cells import cell_index, grid_of
from audit.explanations.completeness import change_of_output, completeness_error
from audit.explanations.method import USUAL, Attribution, Terms, VisualMethod
from audit.explanations.outputs import outputs_of
from audit.explanations.scalar import ScalarOutput
from audit.records import FloatArray, Pixels

EVALUATIONS = 500


def explain(scalar: ScalarOutput, pixels: Pixels, terms: Terms = USUAL) -> Attribution:  # noqa: ARG001
    """16 cells a side (8 in a volume), about 500 outputs per image; parts that were not divided further share their
    value evenly over their cells, and a cell over its pixels. What is left out shows the baseline."""
    name, baseline = baseline_images(scalar, pixels)
    maps = np.stack([_one(scalar, pixels[i : i + 1], baseline[i, 0]) for i in range(len(pixels))])
    errors = completeness_error(maps, change_of_output(scalar, pixels, baseline))
    notes = tuple("" if one.any() else "no part of the image changes the output: the map is zero" for one in maps)
    return Attribution(maps, errors, None, notes, name)


def _one(scalar: ScalarOutput, image: Pixels, baseline: Pixels) -> Pixels:
    shape = image.shape[2:]
    index, grid = cell_index(shape), grid_of(shape)
    given = image[0, 0]

    def shown(cells: FloatArray) -> FloatArray:
        """Outputs (n, 1) for cells (n, \\*grid) of 1 (shown) and 0 (baseline)."""
        flat = np.asarray(cells).reshape(len(cells), -1) > 0
        return outputs_of(scalar, image, (np.where(row[index], given, baseline) for row in flat))[:, None]

    boxes = (*grid, 1) if len(grid) == 2 else grid
    explainer = shap.explainers.Partition(shown, shap.maskers.Image(np.zeros(boxes)), output_names=["output"])
    found = explainer(np.ones((1, *boxes)), max_evals=EVALUATIONS, batch_size=16, silent=True)
    values = np.asarray(found.values, dtype=np.float64).reshape(-1)
    return np.asarray((values / np.bincount(index.ravel()))[index], dtype=np.float32)


ENTRY = VisualMethod(
    name="partition_shap",
    title="Partition SHAP",
    source="Lundberg and Lee, NeurIPS 2017; Owen values over a partition of the image (shap)",
    signed=True,
    unit="attribution per pixel",
    explain=explain,
    needs_gradients=False,
    complete=True,
)
