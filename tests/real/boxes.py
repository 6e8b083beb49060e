"""nih_cxr_images: chest radiographs with a radiologist's boxes, and marks of two blob detectors that anyone can redo.

The set holds five boxes on five images and 49 images whose report names no finding. A box is drawn for one finding of
an image, so images with findings and without a box have no reference standard here.
"""

import csv
import hashlib
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

HERE = Path(__file__).parent / "nih_cxr_images"
MARKS_PER_IMAGE, SIDE, BLUR = 4, 28, 6.0
SCALES = {"candidate": (9.0, 40.0), "comparator": (4.0, 12.0)}


def write_boxes_set(folder: Path, source: Path) -> Path:
    """set.yaml, manifest and lesions in ``folder`` (returned), images linked from ``source``; plan.yaml and both
    versions' marks beside.
    """
    folder.mkdir(parents=True)
    (folder / "images").mkdir()
    boxes = {row["image_id"]: row for row in _rows(source / "boxes_224.csv")}
    read = [row for row in _rows(source / "metadata.csv") if row["image_id"] in boxes or row["labels"] == "No Finding"]
    _write_lesions(folder / "lesions.csv", read, boxes)
    digest = hashlib.sha256((folder / "lesions.csv").read_bytes()).hexdigest()
    lines = [_line(row, folder, source, digest, row in read) for row in _rows(source / "metadata.csv")]
    _write(folder / "manifest.csv", list(lines[0]), [list(line.values()) for line in lines])
    for name in ("set.yaml", "plan.yaml"):
        (folder / name).write_bytes((HERE / name).read_bytes())
    for version, scales in SCALES.items():
        _write_marks(folder / f"{version}.csv", [row["case_id"] for row in lines], source, scales)
    return folder


def blobs(pixels: np.ndarray, scales: tuple[float, float]) -> list[tuple[float, float, float]]:
    """(x, y, rating) of the places in the lung fields that are brightest against the mirrored side, highest first.

    The rating is the difference of two Gaussians there minus the same, blurred, at the mirrored place.
    """
    image = (pixels - pixels.mean()) / pixels.std()
    contrast = ndimage.gaussian_filter(image, scales[0]) - ndimage.gaussian_filter(image, scales[1])
    excess = contrast - ndimage.gaussian_filter(contrast[:, ::-1], BLUR)
    lungs = np.zeros(pixels.shape, dtype=bool)
    lungs[40:180, 30:100] = lungs[40:180, 124:194] = True
    rows, columns = np.nonzero(lungs & (excess > 0) & (excess == ndimage.maximum_filter(excess, size=SIDE)))
    order = np.argsort(-excess[rows, columns], kind="stable")[:MARKS_PER_IMAGE]
    return [(columns[i] + 0.5, rows[i] + 0.5, float(excess[rows[i], columns[i]])) for i in order]


def _write_marks(path: Path, cases: list[str], source: Path, scales: tuple[float, float]) -> None:
    lines: list[list[object]] = []
    for case in cases:
        found = blobs(np.asarray(Image.open(source / "images" / case), dtype=float), scales)
        half = SIDE / 2
        lines += [[case, x - half, y - half, SIDE, SIDE, round(rating, 6)] for x, y, rating in found] or [
            [case, "", "", "", "", ""]
        ]
    _write(path, ["case_id", "x", "y", "width", "height", "rating"], lines)


def _write_lesions(path: Path, read: list[dict[str, str]], boxes: dict[str, dict[str, str]]) -> None:
    empty = {"finding": "", "x": "", "y": "", "w": "", "h": ""}
    found = [(row["image_id"], boxes.get(row["image_id"], empty)) for row in read]
    names = ("finding", "x", "y", "w", "h")
    _write(path, ["case_id", "label", "x", "y", "width", "height"], [[c, *(b[n] for n in names)] for c, b in found])


def _line(row: dict[str, str], folder: Path, source: Path, digest: str, was_read: bool) -> dict[str, str]:
    image = source / "images" / row["image_id"]
    link = folder / "images" / row["image_id"]
    link.write_bytes(image.read_bytes())
    return {
        "case_id": row["image_id"],
        "patient_id": row["patient_id"],
        "image": f"images/{row['image_id']}",
        "sha256": hashlib.sha256(link.read_bytes()).hexdigest(),
        "lesions": "lesions.csv" if was_read else "",
        "lesions_sha256": digest if was_read else "",
        "sex": row["sex"],
        "age_years": row["age"],
        "view": row["view"],
        "detector_group": row["detector_group"],
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _write(path: Path, header: list[str], lines: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(lines)
