"""Is a country without any case a market of the device?"""

from __future__ import annotations

from audit.dossier.content import Runs, text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import AuditView
from audit.dossier.words import joined


def _find(view: AuditView) -> Runs | CannotTell | None:
    wanted = set(view.device.target_countries) if view.device else set()
    if not wanted:
        return CannotTell("device.yaml states no target countries")
    absent = sorted(wanted - {country for each in view.sets for country in each.facts.get("countries") or ()})
    silent = [each.name for each in view.sets if not each.facts.get("countries")]
    if absent and silent:
        return CannotTell(f"set.yaml of {joined(silent)} does not say from which countries the cases come")
    return text(f"No case comes from {joined(absent)}, a target country of device.yaml.") if absent else None


ENTRY = Check(
    name="no site in target country",
    question="Why do these data hold for the patients of the country where the device is to be marketed?",
    severity="moderate",
    eu="aia.art.10.4",
    fda="fda.aidsf.viii.7",
    remedy="Add a site of that country, or justify by population, equipment and practice why results carry over.",
    find=_find,
)
