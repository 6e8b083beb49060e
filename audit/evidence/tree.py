"""The path behind a product as a tree: the statement, what it was made from, down to sets, model files and code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from audit.evidence.files import is_file
from audit.records import Statement

MANY = 3


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the tree and what stands below it."""

    label: str
    children: tuple[Node, ...] = ()

    def lines(self) -> Iterator[str]:
        """The tree in box-drawing characters, one line a node."""
        yield self.label
        for place, child in enumerate(self.children):
            last = place == len(self.children) - 1
            for number, line in enumerate(child.lines()):
                lead = ("└─ " if last else "├─ ") if number == 0 else ("   " if last else "│  ")
                yield lead + line


def tree_of(statement: Statement, known: Mapping[str, Statement]) -> Node:
    """Everything that ``statement`` was made from; ``known`` maps ids to the ledger's statements.

    What stands in several places is drawn out at the first and named at the others; many inputs of one kind (the shards
    of a pass) are one line.
    """
    return _node(statement, known, set())


def _node(statement: Statement, known: Mapping[str, Statement], seen: set[str]) -> Node:
    label = f"{statement.kind} {statement.id[:12]}{_products(statement)}"
    if statement.id in seen:
        return Node(f"{label} (as above)")
    seen.add(statement.id)
    below = [known[one] for one in statement.inputs if one in known]
    children = [child for group in _by_kind(below) for child in _children(group, known, seen)]
    return Node(label, (*children, *_outside(statement)))


def _children(group: Sequence[Statement], known: Mapping[str, Statement], seen: set[str]) -> Iterator[Node]:
    if len(group) <= MANY:
        yield from (_node(one, known, seen) for one in group)
        return
    first = _node(group[0], known, seen)
    seen.update(one.id for one in group)
    ends = f"{group[0].id[:12]} … {group[-1].id[:12]}"
    yield Node(f"{len(group)} × {group[0].kind} {ends}", first.children)


def _by_kind(statements: Sequence[Statement]) -> list[list[Statement]]:
    kinds = dict.fromkeys(one.kind for one in statements)
    return [[one for one in statements if one.kind == kind] for kind in kinds]


def _products(statement: Statement) -> str:
    files = [name for name in statement.subjects if is_file(name)]
    if not files:
        return ""
    more = f" and {len(files) - MANY} more" if len(files) > MANY else ""
    named = (f"{name} (SHA-256 {statement.subjects[name][:12]})" for name in files[:MANY])
    return f": {', '.join(named)}{more}"


def _outside(statement: Statement) -> Iterator[Node]:
    """What is kept outside the audit's folder and bound by digest: validation sets and model files."""
    others = [(name, digest) for name, digest in sorted(statement.subjects.items()) if not is_file(name)]
    for scheme in dict.fromkeys(name.partition(":")[0] for name, _ in others):
        mine = [(name.partition(":")[2], digest) for name, digest in others if name.startswith(f"{scheme}:")]
        leaves = tuple(Node(f"{name} (SHA-256 {digest[:12]})") for name, digest in mine)
        yield Node(f"{scheme}: {leaves[0].label}") if len(leaves) == 1 else Node(f"{scheme}:", leaves)
