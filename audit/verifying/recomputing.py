"""The evidence against what it gives again: every table, verdict, digest, statement and list of packages."""

from __future__ import annotations

from audit.evidence.bundled import bundle_of
from audit.evidence.difference import Difference
from audit.evidence.locks import read_lock
from audit.evidence.packages import check_packages
from audit.evidence.predicates import check_statements
from audit.evidence.products import check_products
from audit.evidence.register import register_of
from audit.evidence.sbom import check_sbom
from audit.evidence.store import AuditStore
from audit.evidence.verification import SetDigestsNow, verify
from audit.models.stored import file_digests
from audit.tabulating import judged_again, recompute, stored_plan


def verify_audit(store: AuditStore, set_digests: SetDigestsNow | None = None) -> list[Difference]:
    """Everything in the audit that is not as it was written, or does not follow from what is stored.

    ``set_digests``: today's digests of the validation sets; None: they are not looked at.
    """
    bundle = bundle_of(store.home)

    def today() -> dict[str, dict[str, str]]:
        bound = read_lock(store).models
        if bundle and not bundle.models:
            return {role: dict(digests) for role, digests in bound.items()}  # not here: said, not compared
        registered = stored_plan(store).registered
        return {
            role: file_digests(registered[role], store.home) if role in registered else dict(digests)
            for role, digests in bound.items()
        }

    found = verify(store, judged_again if bundle and bundle.lacks_cases else recompute, today, set_digests)
    ledgers = (store.ledger, register_of(store.home))
    found += [each for one in ledgers for each in check_statements(one.path.name, one.lines())]
    return [*found, *check_products(store), *check_packages(store), *check_sbom(store)]
