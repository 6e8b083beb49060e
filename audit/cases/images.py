"""One stored file -> one decoded ``Image``. The bytes that were hashed are those that are decoded: no second read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from audit.cases.arrays import decode_array
from audit.cases.dicom import decode_dicom
from audit.cases.limits import MAX_FILE_BYTES
from audit.cases.nifti import decode_nifti
from audit.cases.raster import decode_raster
from audit.records import BadInput, Image

FORMATS = "DICOM (.dcm or with preamble), PNG, JPEG, TIFF, NIfTI (.nii, .nii.gz), .npy, .npz#key[row]"
_BY_ENDING: dict[str, Callable[[bytes, str], Image]] = {
    ".nii": decode_nifti,
    ".nii.gz": decode_nifti,
    ".png": decode_raster,
    ".jpg": decode_raster,
    ".jpeg": decode_raster,
    ".tif": decode_raster,
    ".tiff": decode_raster,
    ".dcm": decode_dicom,
}


class WrongDigest(BadInput):
    """A file whose bytes are not those that the manifest declares: nothing computed from it may be believed."""


def read_image(path: Path, sha256: str | None) -> Image:
    """The image stored at ``path``; ``sha256`` (of the whole file; None where nothing was declared) is checked first.

    ``path`` may end in ``#key[row]`` for one entry of an .npz file. Pixels are float32 in modality units, axes
    (rows, columns) or (slices, rows, columns); colour becomes luminance (ITU-R BT.601). Raises ``BadInput`` that names
    the file and the reason, and never quotes a header value, which could identify a patient.
    """
    stored, fragment = split_fragment(path)
    data = read_checked(stored, sha256)
    return decode(data, stored.name.lower(), fragment, str(path))


def split_fragment(path: Path) -> tuple[Path, str | None]:
    """``a/b.npz#key[3]`` -> (``a/b.npz``, ``key[3]``)."""
    name, mark, fragment = path.name.partition("#")
    return (path.with_name(name), fragment) if mark else (path, None)


def read_checked(path: Path, sha256: str | None) -> bytes:
    """The file's bytes, whose SHA-256 must be ``sha256`` where one is given."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadInput(f"{path}: the file is larger than {MAX_FILE_BYTES >> 30} GiB; the limit for one image.")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path}: the image cannot be read ({error.strerror}); correct the manifest or add it."
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256.lower():
        raise WrongDigest(
            f"{path}: the file's SHA-256 is {found}, the manifest declares {sha256.lower()}; "
            "restore the file or correct the manifest."
        )
    return data


def decode(data: bytes, name: str, fragment: str | None, where: str) -> Image:
    """The image in ``data``; the lower-case ``name`` decides the format, DICOM's preamble where it says nothing."""
    if name.endswith((".npy", ".npz")):
        return decode_array(data, name.endswith(".npz"), fragment, where)
    if fragment is not None:
        raise BadInput(f"{where}: '#...' selects an entry of an .npz file only; remove it.")
    for ending, reader in _BY_ENDING.items():
        if name.endswith(ending):
            return reader(data, where)
    if data[128:132] == b"DICM":
        return decode_dicom(data, where)
    raise BadInput(f"{where}: not an image format that can be read; known: {FORMATS}.")
