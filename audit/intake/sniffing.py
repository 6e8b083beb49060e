"""What a file is, by its first bytes; its name is believed only where both agree."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 400
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x93NUMPY", "NumPy"),
)
_ENDINGS = {
    "DICOM": (".dcm",),
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "TIFF": (".tif", ".tiff"),
    "NIfTI": (".nii", ".nii.gz"),
}
IMAGES = tuple(_ENDINGS)
_OTHER = (".csv", ".csv.gz", ".json", ".txt", ".md", ".yaml", ".yml", ".xml", ".html", ".pdf", ".parquet", ".tsv")


@dataclass(frozen=True, slots=True)
class Kind:
    """``format``: one of ``IMAGES``, or 'other'. ``problem``: why a file that claims to be an image is refused."""

    format: str
    problem: str = ""


def kind_of(name: str, head: bytes) -> Kind:
    """The kind of a file from its ``name`` and its first ``HEAD_BYTES`` bytes."""
    lower = name.rsplit("/", 1)[-1].lower()
    claimed = next((k for k, ends in _ENDINGS.items() if lower.endswith(ends)), "")
    found = _found(head, lower)
    if found == claimed or (not claimed and found == "DICOM"):
        return Kind(found) if found else Kind("other")
    if claimed:
        what = f"its content is {found}" if found else "its content is not"
        return Kind(claimed, f"its name says {claimed}, {what}; a file whose name and content differ is not read.")
    if found in IMAGES and not lower.endswith(_OTHER):
        return Kind(
            found, f"its content is {found}, its name does not say so; rename it to end in {_ENDINGS[found][0]}."
        )
    if found == "ZIP":
        return Kind("other", "an archive inside the folder is not opened; unpack it, or give it as the source.")
    return Kind("other")


def _found(head: bytes, lower: str) -> str:
    if head[128:132] == b"DICM":
        return "DICOM"
    if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] == b"n+2\0":
        return "NIfTI"
    found = next((kind for start, kind in _SIGNATURES if head.startswith(start)), "")
    return "NIfTI" if found == "gzip" and lower.endswith(".nii.gz") else found
