"""How well the checks of an intake find what was planted, and what they raise on real images as they are.

    python benchmarks/intake_checks.py --data DATA

``DATA``: folder with ``nih_cxr_images`` and ``cxr_sites``. Faults are planted into one image in twenty, fixed seed;
"as it is" counts images named with nothing planted. Writes ``results/intake_checks.json``.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from audit.cases.images import read_image
from audit.intake.check_appearance import CLIPPED, judged
from audit.intake.lettering import lines_of_text
from audit.intake.looks import THUMB_SIDE, looks_of
from audit.intake.similar import LEAST_CORRELATION, MOST_BITS, close_pairs, correlation, fingerprint
from audit.records import Pixels

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "intake_checks.json"
TEXTS = ("MUELLER ANNA 12.03.1956", "DOE JOHN", "Klinikum Nord 4711", "ID 00213345")
FONTS = ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf")
Change = Callable[[Pixels], Pixels]


def thumbs(images: list[Pixels]) -> np.ndarray:
    flat = [np.frombuffer(looks_of(i).thumb, np.uint8) for i in images]
    return np.array(flat).reshape(-1, THUMB_SIDE, THUMB_SIDE)


def appearance(images: list[Pixels], seed: int) -> Iterator[tuple[str, str]]:
    """(what, found of planted; named though not planted) for each change."""
    clean = judged(thumbs(images))
    yield "appearance, as it is", f"{sum(map(bool, clean))} of {len(images)} named"
    changes: dict[str, Change] = {
        "inverted": lambda p: p.max() + p.min() - p,
        "upside down": lambda p: p[::-1],
        "turned by 180": lambda p: p[::-1, ::-1],
        "mirrored": lambda p: p[:, ::-1],
    }
    fine = np.array([i for i, word in enumerate(clean) if not word])
    for word, change in changes.items():
        chosen = np.random.default_rng(seed).choice(fine, max(5, len(images) // 20), replace=False)
        planted = [change(p) if i in set(chosen.tolist()) else p for i, p in enumerate(images)]
        found = judged(thumbs(planted))
        hits = sum(found[i].startswith(word) for i in chosen)
        yield f"{word}, planted", f"{hits} of {len(chosen)} found"


def saturation(images: list[Pixels]) -> Iterator[tuple[str, str]]:
    named = sum(looks_of(i).share_clipped > CLIPPED for i in images)
    yield "saturated, as it is", f"{named} of {len(images)} named"
    for gain in (1.3, 1.6, 2.0):
        some = images[::4]
        hits = sum(looks_of(np.minimum(i * gain, i.max())).share_clipped > CLIPPED for i in some)
        yield f"saturated, gain {gain}, planted", f"{hits} of {len(some)} found"


def written(pixels: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    picture = Pillow.new("L", pixels.shape[::-1], 0)
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{rng.choice(FONTS)}", size)
    place = int(rng.integers(2, max(3, pixels.shape[1] // 3))), int(rng.choice([3, pixels.shape[0] - size - 6]))
    ImageDraw.Draw(picture).text(place, str(rng.choice(TEXTS)), font=font, fill=255)
    ink = np.asarray(picture, dtype=np.float32) / 255
    return np.asarray(pixels * (1 - ink) + pixels.max() * ink, dtype=np.float32)


def lettering(images: list[Pixels], seed: int) -> Iterator[tuple[str, str]]:
    named = [bool(lines_of_text(i)) for i in images]
    yield "text, as it is", f"{sum(named)} of {len(images)} named"
    rng = np.random.default_rng(seed)
    bare = [i for i, n in zip(images, named, strict=True) if not n][::3]
    for size in (8, 12, 16, 24):
        hits = sum(bool(lines_of_text(written(i, size, rng))) for i in bare)
        yield f"text of {size} pixels, planted", f"{hits} of {len(bare)} found"


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Pillow.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Pillow.open(buffer), dtype=np.float32)


def halved(pixels: Pixels) -> Pixels:
    picture = Pillow.fromarray(pixels)
    return np.asarray(picture.resize((pixels.shape[1] // 2, pixels.shape[0] // 2), Pillow.Resampling.LANCZOS))


def copies(images: list[Pixels]) -> Iterator[tuple[str, str]]:
    looks = [looks_of(i) for i in images]
    prints = np.array([fingerprint(look.dhash) for look in looks])
    pairs = sum(_same(looks[i].thumb, looks[j].thumb) for i, j in close_pairs(prints))
    yield "look-alikes, as it is", f"{pairs} pairs among {len(images)} images"
    changes: dict[str, Change] = {
        "JPEG quality 85": lambda p: jpeg(p, 85),
        "JPEG quality 50": lambda p: jpeg(p, 50),
        "half the size": halved,
        "gamma 0.7": lambda p: 255 * (p / 255) ** np.float32(0.7),
        "narrower window": lambda p: (p * 1.3 - 30).clip(0, 255),
        "cropped by 2 %": lambda p: p[4:-4, 4:-4],
    }
    for word, change in changes.items():
        hits = sum(_found(looks[i].dhash, looks[i].thumb, change(images[i])) for i in range(0, len(images), 3))
        yield f"copy, {word}, planted", f"{hits} of {len(range(0, len(images), 3))} found"


def _found(dhash: str, thumb: bytes, changed: Pixels) -> bool:
    other = looks_of(np.ascontiguousarray(changed, dtype=np.float32))
    bits = int(np.bitwise_count(fingerprint(dhash) ^ fingerprint(other.dhash)).sum())
    return bits <= MOST_BITS and _same(thumb, other.thumb)


def _same(one: bytes, other: bytes) -> bool:
    return correlation(*(np.frombuffer(t, np.uint8) for t in (one, other))) >= LEAST_CORRELATION


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    result: dict[str, dict[str, str]] = {}
    for name in ("nih_cxr_images", "cxr_sites"):
        images = [read_image(p, None).pixels for p in sorted((asked.data / name / "images").iterdir())]
        measured = (
            *appearance(images, asked.seed),
            *saturation(images),
            *lettering(images, asked.seed),
            *copies(images),
        )
        result[name] = dict(measured)
    simulated = HERE.parent / "validation_sets" / "brain_mri_simulated" / "images"
    images = [read_image(p, None).pixels for p in sorted(simulated.iterdir())]
    result["brain_mri_simulated"] = dict((*appearance(images, asked.seed), *saturation(images), *lettering(images, 1)))
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
