"""``audit verify`` names a statement that does not fit the schema of its kind, with the place in it."""

from small_audit import Small

from audit.evidence.ledger import Ledger


def test_a_statement_that_does_not_fit_is_named_with_its_place(small: Small) -> None:
    """Somebody who can write states a product of his own: the chain holds, the form does not."""
    store = small.store
    like = store.latest("estimates")
    assert like is not None
    body = {**like.body, "rows": "many"}
    Ledger(store.ledger.path, store.audit_id).append(
        like.kind, like.subjects, like.inputs, body, like.producer, store.clock()
    )
    store.anchor()
    checked = small.verify()
    assert checked.code == 1
    (found,) = checked.json["differences"]
    assert found["thing"].endswith("(estimates: tables/estimates.parquet), /predicate/body/rows")
    assert (found["expected"], found["found"]) == ("integer", '"many"')
