"""Conditions a template may put under ``when``: each gives the fact it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from audit.dossier.view import AuditView

Fact = str | bool


def _device(name: str, otherwise: Fact) -> Callable[[AuditView], Fact]:
    def read(view: AuditView) -> Fact:
        value = getattr(view.device, name, None)
        return otherwise if value is None else value

    return read


def _any_target(*tasks: str) -> Callable[[AuditView], Fact]:
    return lambda view: any(target.task in tasks for target in view.plan.targets.values())


CONDITIONS: Mapping[str, Callable[[AuditView], Fact]] = MappingProxyType(
    {
        "always": lambda _view: True,
        "regulation": _device("regulation", "not stated"),
        "standalone_software": _device("standalone_software", True),
        "predetermined_changes": _device("predetermined_changes", True),
        "small_enterprise": _device("small_enterprise", False),
        "eu": lambda view: "eu" in view.markets,
        "us": lambda view: "us" in view.markets,
        "displays_maps": _device("displays_maps", False),
        "comparator": lambda view: view.comparator is not None,
        "recorded_predictions": lambda view: view.recorded_predictions,
        "segmentation": _any_target("segmentation"),
        "measuring": _any_target("measurement", "segmentation"),
        "perturbation_arms": lambda view: bool(view.plan.perturbation_arms),
        "simulated": lambda view: view.simulated,
    }
)


def holds(when: Mapping[str, Fact | tuple[Fact, ...]], view: AuditView) -> bool:
    """Whether every condition has (one of) the wanted value(s)."""
    return all(
        CONDITIONS[name](view) in (wanted if isinstance(wanted, tuple) else (wanted,)) for name, wanted in when.items()
    )
