"""Two recorded environments compared: what may explain that a number came out otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

NUMERIC = ("torch", "numpy", "scipy", "onnxruntime", "monai", "numba", "pandas", "statsmodels", "scikit-learn", "shap")
READING = ("pydicom", "pylibjpeg", "pylibjpeg-openjpeg", "pyjpegls", "nibabel", "pillow", "highdicom")


def probable_causes(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each way in which ``now`` is another environment than ``then``, likeliest cause first.

    Both are facts as ``producer`` gives them, with the engine's ``determinism``. A fact that one side does not know
    says nothing.
    """
    yield from _unequal("device", then, now, "The device")
    yield from _unequal("cpu", then, now, "The processor")
    yield from _unequal("gpu", then.get("torch") or {}, now.get("torch") or {}, "The graphics processor")
    yield from _packages(then, now, NUMERIC, "computes")
    yield from _packages(then, now, READING, "reads images")
    yield from _settings(then, now)
    yield from _unequal("platform", then, now, "The operating system")
    yield from _unequal("python", then, now, "Python")
    yield from _code(then, now)


def _unequal(key: str, then: Mapping[str, Any], now: Mapping[str, Any], name: str) -> Iterator[str]:
    before, after = then.get(key), now.get(key)
    if before is not None and after is not None and before != after:
        yield f"{name} was {before} and is {after}."


def _packages(then: Mapping[str, Any], now: Mapping[str, Any], names: tuple[str, ...], does: str) -> Iterator[str]:
    before, after = then.get("dependencies") or {}, now.get("dependencies") or {}
    for name in names:
        yield from _unequal(name, before, after, f"{name}, which {does},")


def _settings(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    before, after = (
        {**(one.get("variables") or {}), **(one.get("torch") or {}), **(one.get("determinism") or {})}
        for one in (then, now)
    )
    for key in sorted({*before, *after} - {"device", "gpu"}):
        name = "The number of threads" if key == "threads" else f"The setting {key}"
        yield from _unequal(key, before, after, name)


def _code(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    yield from _unequal("version", then, now, "This suite's version")
    yield from _unequal("commit", then, now, "This suite's commit")
    if now.get("dirty"):
        yield "The suite's checkout here has uncommitted changes."
