"""Was the set too small to decide a claim?"""

from __future__ import annotations

from audit.dossier.citing import size
from audit.dossier.content import Run, Runs, Text
from audit.dossier.deficiencies.check import CannotTell, Check
from audit.dossier.view import AuditView
from audit.dossier.words import endpoint_id, endpoint_title

DECLARED = ("aia.art.10.2.e", "fda.aidsf.x.a.1")


def _find(view: AuditView) -> Runs | CannotTell | None:
    claims = [each for each in view.findings if each.role != "descriptive"]
    if not claims:
        return CannotTell("the plan claims nothing")
    undecided = [each for each in claims if each.verdict == "not shown" and each.estimate_id in view.by_id]
    if undecided:
        found: list[Run] = [Text("The interval holds the criterion, so that the set could not decide: ")]
        for index, each in enumerate(undecided):
            row = view.by_id[each.estimate_id or ""]
            found += [Text(f"{'; ' if index else ''}{endpoint_id(each)} {endpoint_title(view, each)} (")]
            found += [*size(view, row, "n_patients"), Text(" patients)")]
        return (*found, Text("."))
    declared = view.device.declared if view.device else {}
    if not any(name in declared for name in DECLARED):
        return CannotTell(f"device.yaml declares no sample size justification ({' or '.join(DECLARED)})")
    return None


ENTRY = Check(
    name="claims without power",
    question="How was the sample size chosen, and could it decide every claim?",
    severity="moderate",
    eu="aia.art.10.2.e",
    fda="fda.aidsf.x.a.1",
    remedy="State the sample size justification (audit power), then enlarge the set or narrow the claim.",
    find=_find,
)
