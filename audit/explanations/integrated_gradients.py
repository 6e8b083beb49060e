"""Integrated gradients over all cases of a batch, with steps added until the attributions add up."""

from __future__ import annotations

import numpy as np
from captum.attr import IntegratedGradients

from audit.explanations.baselines import baseline_images
from audit.explanations.chunks import chunk_size
from audit.explanations.completeness import change_of_output, completeness_error
from audit.explanations.method import USUAL, Attribution, Terms, VisualMethod
from audit.explanations.scalar import ScalarOutput
from audit.records import FloatArray, Pixels

STEPS, MOST_STEPS = 32, 64
WORTHWHILE = 0.75


def explain(
    scalar: ScalarOutput, pixels: Pixels, terms: Terms = USUAL, steps: int = STEPS, most: int = MOST_STEPS
) -> Attribution:
    """Attributions along the straight path from a baseline to each image.

    Gauss-Legendre quadrature with ``steps`` nodes; cases whose completeness error exceeds that of the ``terms`` are
    repeated with twice the nodes, up to ``most`` and as long as that lowers the error by a quarter, and noted as not
    converged if it is not enough. Undefined error (NaN) where the output hardly differs from the baseline's. For the
    baseline see ``baseline_images``.
    """
    tolerance = terms.completeness
    name, baseline = baseline_images(scalar, pixels)
    maps, errors = _attempt(scalar, pixels, baseline, steps)
    used = np.full(len(pixels), steps)
    again = np.flatnonzero(errors > tolerance)
    while again.size and steps < most:
        steps = min(2 * steps, most)
        before = errors[again]
        maps[again], errors[again] = _attempt(scalar, pixels[again], baseline[again], steps)
        used[again] = steps
        again = again[(errors[again] > tolerance) & (errors[again] < WORTHWHILE * before)]
    notes = (_note(error, int(count), most, tolerance) for error, count in zip(errors, used, strict=True))
    return Attribution(maps, errors, None, tuple(notes), name)


def _attempt(scalar: ScalarOutput, pixels: Pixels, baseline: Pixels, steps: int) -> tuple[Pixels, FloatArray]:
    """Maps and completeness errors, as many cases and steps together as memory allows."""
    chunk = chunk_size(scalar, scalar.batch(pixels[:1]))
    parts = [_part(scalar, pixels[i : i + chunk], baseline[i : i + chunk], steps, chunk)
             for i in range(0, len(pixels), chunk)]  # fmt: skip
    maps = np.concatenate(parts)
    changes = [change_of_output(scalar, pixels[i : i + chunk], baseline[i : i + chunk])
               for i in range(0, len(pixels), chunk)]  # fmt: skip
    return maps.astype(np.float32), completeness_error(maps, np.concatenate(changes))


def _part(scalar: ScalarOutput, pixels: Pixels, baseline: Pixels, steps: int, chunk: int) -> FloatArray:
    batch, start = scalar.batch(pixels), scalar.batch(baseline)
    region = scalar.region(batch)
    raw = IntegratedGradients(scalar).attribute(
        batch,
        baselines=start,
        additional_forward_args=None if region is None else (region,),
        n_steps=steps,
        internal_batch_size=chunk,
    )
    return np.asarray(raw[:, 0].double().cpu().numpy())


def _note(error: float, steps: int, most: int, tolerance: float) -> str:
    if np.isnan(error):
        return "the output hardly differs from that of the baseline: completeness has no value"
    if error <= tolerance:
        return ""
    end = "" if steps >= most else "; more steps hardly lower it"
    return f"not converged: completeness error {error:.1%} after {steps} steps ({tolerance:.0%} allowed){end}"


ENTRY = VisualMethod(
    name="integrated_gradients",
    title="Integrated gradients",
    source="Sundararajan, Taly and Yan, ICML 2017, arXiv:1703.01365",
    signed=True,
    unit="attribution per pixel",
    explain=explain,
    complete=True,
)
