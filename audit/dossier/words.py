"""Names of versions, targets and groups as a reader sees them, and the tone of each verdict and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audit.dossier.content import Mark, Tone
from audit.dossier.view import AuditView, EstimateRow
from audit.records import Finding
from audit.tables import OVERALL, UNKNOWN

UNITS: Mapping[str, str] = {"ml": "mL", "mm": "mm", "years": "years", "s": "s", "t": "T"}

VERDICT_TONES: Mapping[str, Tone] = {"met": "good", "failed": "bad", "not shown": "part", "not assessed": "quiet"}
STATUS_TONES: Mapping[str, Tone] = {
    "evidenced": "good",
    "partly evidenced": "part",
    "declared": "note",
    "missing": "bad",
    "not applicable": "quiet",
}


def verdict_mark(verdict: str) -> Mark:
    """A verdict with its tone."""
    return Mark(verdict, VERDICT_TONES.get(verdict, "quiet"))


def status_mark(status: str) -> Mark:
    """A status with its tone."""
    return Mark(status, STATUS_TONES[status])


def version_label(view: AuditView, version: str) -> str:
    """'candidate' as its registered name and version; altered images and differences in words."""
    known = {name: f"{each.name} {_short(each.version)}" for name, each in view.versions.items()}
    if version == "candidate - comparator":
        return "candidate minus comparator"
    if " - " in version:
        return " minus ".join(version_label(view, each) for each in version.split(" - "))
    name, plus, arm = version.partition(" + ")
    label = known.get(name, name)
    return f"{label}, {arm.replace('_', ' ')}" if plus else label


def _short(version: str) -> str:
    return f"v{version}" if version.isdigit() else version


def role_label(version: str) -> str:
    """The version's part in the audit: 'Candidate', 'Candidate minus comparator', 'Candidate, noise'."""
    words = version.replace(" - ", " minus ").replace(" + ", ", ").replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}"


def with_role(view: AuditView, version: str) -> str:
    """The version's label with its role in the audit."""
    return f"{version_label(view, version)} ({version})"


def attribute_label(attribute: str) -> str:
    """A stratum's name in words."""
    return "whole set" if attribute == OVERALL else attribute.replace("_", " ")


def level_label(level: str) -> str:
    """A level of a stratum, or of several ('F & unknown'), in words: unknown is what was not recorded."""
    return " & ".join("not recorded" if each == UNKNOWN else each for each in level.split(" & "))


def feature_label(feature: str) -> str:
    """A case feature in words, its unit in brackets: 'lesion volume (mL)'."""
    name, _, unit = feature.rpartition("_")
    words = (name if name and unit in UNITS else feature).replace("_", " ")
    return f"{words} ({UNITS[unit]})" if name and unit in UNITS else words


def group_label(row: EstimateRow) -> str:
    """The group of an estimate in words."""
    if row.is_overall:
        return "Whole set"
    level = level_label(row.level)
    return level if row.baseline is None else f"{level} minus {level_label(row.baseline)}"


def quantity(view: AuditView, measure: str, target: str) -> str:
    """A measure of a target in words."""
    title = view.measure(measure).title
    return f"{title[:1].upper()}{title[1:]}, {target.replace('_', ' ')}"


def endpoint_title(view: AuditView, finding: Finding) -> str:
    """What the endpoint is about: measure, target, group; said so where it compares the versions."""
    row = view.by_id.get(finding.estimate_id or "")
    return f"{finding.title}, candidate minus comparator" if row and row.kind == "change" else finding.title


def endpoint_id(finding: Finding) -> str:
    """The plan's id of the endpoint; its levels share it."""
    return finding.endpoint.partition("/")[0]


def joined(items: list[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def few(items: Sequence[str], most: int = 12) -> str:
    """As ``joined``; beyond so many the rest by number, since a box on the first page has an end."""
    left = len(items) - most
    return joined([*items[:most], f"{left} more"] if left > 1 else list(items))
