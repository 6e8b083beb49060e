"""Finds the entries of a room: every module of the folder that declares ``ENTRY``.

Adding one thing is adding one file; nothing else has to be told.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import MappingProxyType
from typing import Any

from audit.records import BadInput


@cache
def entries(room: str) -> MappingProxyType[str, Any]:
    """Entry name -> ``ENTRY`` of every module in ``audit/<room>/`` that declares one, sorted by name."""
    package = importlib.import_module(f"audit.{room}")
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"audit.{room}.{info.name}")
        entry = getattr(module, "ENTRY", None)
        if entry is not None:
            found[entry.name] = entry
    return MappingProxyType(dict(sorted(found.items())))


def entry(room: str, name: str, where: str) -> Any:
    """The entry called ``name``; raises ``BadInput`` that lists what exists, citing ``where`` it was asked for."""
    known = entries(room)
    if name not in known:
        raise BadInput(f"{where}: no entry '{name}' in {room}; known: {', '.join(known)}.")
    return known[name]
