"""Did sites that gave training data give test data as well?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check, known_levels, named
from audit.dossier.view import AuditView


def _find(view: AuditView) -> Runs | CannotTell | None:
    development, tested = _development_sites(view), _test_sites(view)
    if not development:
        return CannotTell("neither device.yaml (development_sites) nor the registered version names its training sites")
    if not tested:
        return CannotTell("neither the manifest nor set.yaml names the test sites")
    shared = [name for key, name in tested.items() if key in development]
    return text(f"Development and test share sites: {named(shared)}.") if shared else None


def _development_sites(view: AuditView) -> set[str]:
    declared = view.device.development_sites if view.device else ()
    stated = view.candidate.parameters.get("training_site", "").split("; ")
    return {site.strip().casefold() for site in declared or stated if site.strip()}


def _test_sites(view: AuditView) -> dict[str, str]:
    stated = [site for each in view.sets for site in each.facts.get("sites") or ()]
    return {site.strip().casefold(): site for site in (*known_levels(view, "site"), *stated)}


ENTRY = Check(
    name="sites overlap",
    question="Are the test sites different from the development sites?",
    severity="serious",
    eu="aia.art.10.3",
    fda="fda.aidsf.viii.6",
    remedy="Test on sites that gave no training or tuning data; report the shared sites apart.",
    find=_find,
)
