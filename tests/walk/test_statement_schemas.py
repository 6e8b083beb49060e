"""Every statement of a finished walk, in its ledger and in the register, fits the schema of its kind."""

from toy_walk import Walk

from audit.evidence.predicates import check_statements, schemas
from audit.evidence.register import register_of
from audit.evidence.statements import predicate_type


def test_every_statement_of_a_walk_fits_its_schema(done: Walk) -> None:
    for ledger in (done.store.ledger, register_of(done.home)):
        assert check_statements(ledger.path.name, ledger.lines()) == []
    assert {predicate_type(one.kind) for one in done.store.statements()} <= set(schemas())
