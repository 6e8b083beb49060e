"""The synthetic audit of ``dossier_example`` as a fixture."""

import pytest
from dossier_example import make_view

from audit.dossier.view import AuditView


@pytest.fixture(scope="session")
def view() -> AuditView:
    return make_view()
