"""Images in NumPy files, never unpickled. ``.npz#key[row]`` names one row of one array."""

from __future__ import annotations

import io
import re
import zipfile
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from audit.cases.limits import MAX_VOXELS, check_shape
from audit.records import BadInput, Image

_FRAGMENT = re.compile(r"(?P<key>[^\[\]]+)(\[(?P<row>\d+)\])?")


def decode_array(data: bytes, is_npz: bool, fragment: str | None, where: str) -> Image:
    """The array as an image: 2-D (rows, columns) or 3-D (slices, rows, columns); spacing unknown."""
    array = _entry(data, fragment, where) if is_npz else _load(data, where)
    if not is_npz and fragment is not None:
        raise BadInput(f"{where}: '#...' selects an entry of an .npz file only; remove it.")
    return Image(as_pixels(array, where), None)


def as_pixels(array: NDArray[Any], where: str) -> NDArray[np.float32]:
    """A numeric 2-D or 3-D array as float32; anything else, NaN and infinity are refused."""
    if array.dtype.kind not in "uifb":
        raise BadInput(f"{where}: holds values of type {array.dtype}; an image needs real numbers.")
    if array.ndim not in (2, 3):
        raise BadInput(f"{where}: has {array.ndim} axes; expected rows x columns or slices x rows x columns.")
    check_shape(array.shape, where)
    pixels = np.array(array, dtype=np.float32, order="C")
    if array.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise BadInput(f"{where}: holds values that are not finite; export the image again.")
    return pixels


def _entry(data: bytes, fragment: str | None, where: str) -> NDArray[Any]:
    match = _FRAGMENT.fullmatch(fragment or "")
    if match is None:
        raise BadInput(f"{where}: an .npz holds several arrays; name one as file.npz#key or file.npz#key[row].")
    array = _member(data, match["key"], where.partition("#")[0])
    if match["row"] is None:
        return array
    row = int(match["row"])
    if array.ndim < 1 or row >= array.shape[0]:
        raise BadInput(
            f"{where}: '{match['key']}' has {array.shape[0] if array.ndim else 0} rows, row {row} was named."
        )
    return np.asarray(array[row])


@lru_cache(maxsize=2)
def _member(data: bytes, key: str, where: str) -> NDArray[Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
            if key not in names:
                raise BadInput(f"{where}: there is no array '{key}'; the file holds {', '.join(names[:20])}.")
            info = archive.getinfo(f"{key}.npy")
            if info.file_size > 8 * MAX_VOXELS + 4096:
                raise BadInput(
                    f"{where}: array '{key}' unpacks to {info.file_size:,} bytes; the limit is {8 * MAX_VOXELS:,}."
                )
            with archive.open(info) as stream:
                content = stream.read(info.file_size)
    except BadInput:
        raise
    except Exception as error:  # a damaged archive breaks the unpacker in many ways
        raise BadInput(f"{where}: not a readable .npz file ({type(error).__name__}).") from error
    return _load(content, f"{where}#{key}")


def _load(data: bytes, where: str) -> NDArray[Any]:
    try:
        stream = io.BytesIO(data)
        version = npy.read_magic(stream)
        shape, _, dtype = npy.read_array_header_1_0(stream) if version == (1, 0) else npy.read_array_header_2_0(stream)
        if shape:
            check_shape(shape, where)
        if dtype.hasobject:
            raise BadInput(f"{where}: holds Python objects, which are never unpickled; store plain numbers.")
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except BadInput:
        raise
    except Exception as error:  # a damaged header breaks NumPy's reader in many ways
        raise BadInput(f"{where}: not a readable NumPy array ({type(error).__name__}); write it again.") from error
