"""How a DICOM file asks to be shown: window, function or table (VOI LUT), as a curve over the pixels that are read.

For pictures only; what a model sees is never windowed. Sources: DICOM PS3.3 C.11.2 (VOI LUT), C.7.6.16.2.10 (frame VOI
LUT of enhanced objects).
"""

from __future__ import annotations

import contextlib

import numpy as np
import pydicom
from pydicom.multival import MultiValue

from audit.cases.headers import functional_group
from audit.records import Display, FloatArray

MOST_POINTS, SIGMOID_POINTS = 256, 65


def display_of(dataset: pydicom.Dataset, inverted_about: float | None) -> Display | None:
    """Values and brightness between which a display interpolates; None where the file asks for nothing, for colour,
    and where what it asks cannot be read. The first of several windows, that of the first frame.

    ``inverted_about``: the sum of the ends of the range within which MONOCHROME1 was turned round, None elsewhere.
    """
    with contextlib.suppress(Exception):  # a header can be wrong in many ways; then the pixels choose the window
        if int(dataset.get("SamplesPerPixel") or 1) > 1 or dataset.PhotometricInterpretation == "PALETTE COLOR":
            return None
        asks = functional_group(dataset, "FrameVOILUTSequence", 0) or dataset
        curve = _table(dataset) if dataset.get("VOILUTSequence") else _function(asks)
        if curve is not None and np.all(np.diff(curve[0]) > 0) and np.isfinite(curve).all():
            values, shown = curve if inverted_about is None else (inverted_about - curve[0][::-1], 1 - curve[1][::-1])
            return tuple(values.tolist()), tuple(shown.tolist())
    return None


def _table(dataset: pydicom.Dataset) -> tuple[FloatArray, FloatArray]:
    """Read here, since pydicom's own counts the entries of an 8-bit table in 8 bits, so that longer ones wrap."""
    item = dataset.VOILUTSequence[0]
    length, first, bits = (int(each) for each in item.LUTDescriptor)
    data = item.LUTData
    entries = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data)
    length = min(length or 2**16, len(entries))
    places = np.unique(np.linspace(0, length - 1, min(length, MOST_POINTS)).round()).astype(np.int64)
    return first + places.astype(np.float64), entries[places] / (2.0**bits - 1)


def _function(asks: pydicom.Dataset) -> tuple[FloatArray, FloatArray] | None:
    if asks.get("WindowCenter") is None or asks.get("WindowWidth") is None:
        return None
    centre, width = _first(asks.WindowCenter), _first(asks.WindowWidth)
    function = str(asks.get("VOILUTFunction") or "LINEAR").upper()
    if function == "SIGMOID":
        values = centre + np.linspace(-2, 2, SIGMOID_POINTS) * width
        return values, 1 / (1 + np.exp(-4 * (values - centre) / width))
    if function == "LINEAR":
        centre, width = centre - 0.5, width - 1
    return np.array([centre - width / 2, centre + width / 2]), np.array([0.0, 1.0])


def _first(value: object) -> float:
    return float(value[0] if isinstance(value, MultiValue) else value)  # type: ignore[arg-type]
