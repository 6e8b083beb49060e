"""What compressed frames claim about themselves, read before a decoder reserves memory for the claim.

A JPEG 2000 or JPEG codestream carries its own dimensions; a decoder believes them, not the DICOM header. A file whose
two claims differ is damaged or hostile. Sources: ISO/IEC 15444-1 A.5.1 (SIZ); ISO/IEC 10918-1 B.2.2 and 14495-1 C.2.2
(SOF).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pydicom
from pydicom.encaps import generate_frames

from audit.records import BadInput

_SOI, _J2K = b"\xff\xd8", b"\xff\x4f\xff\x51"
_FRAME_MARKERS = {*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7}


def check_codestreams(dataset: pydicom.Dataset, where: str) -> None:
    """Refuses a compressed frame whose own dimensions are not the header's rows x columns."""
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_compressed or not syntax.is_encapsulated or "PixelData" not in dataset:
        return
    expected = int(dataset.Rows), int(dataset.Columns)
    for number, frame in enumerate(_frames(dataset, where), start=1):
        found = codestream_size(frame)
        if found is not None and found != expected:
            raise BadInput(
                f"{where}: compressed frame {number} declares {found[0]} x {found[1]} pixels, the DICOM header "
                f"{expected[0]} x {expected[1]}; the file is damaged."
            )


def _frames(dataset: pydicom.Dataset, where: str) -> Iterator[bytes]:
    try:
        yield from generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    except (ValueError, EOFError, struct.error) as error:
        raise BadInput(f"{where}: the compressed pixel data is not split into frames as it should be.") from error


def codestream_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG 2000, JPEG or JPEG-LS codestream declares; None where it declares none (RLE)."""
    start = frame.find(_J2K, 0, 4096)
    if start >= 0 and len(frame) >= start + 24:
        width, height, left, top = struct.unpack(">4I", frame[start + 8 : start + 24])
        return height - top, width - left
    return _jpeg_size(frame) if frame[:2] == _SOI else None


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _FRAME_MARKERS:
            height, width = struct.unpack(">2H", frame[at + 5 : at + 9])
            return height, width
        at += 2 + int(struct.unpack(">H", frame[at + 2 : at + 4])[0])
    return None
