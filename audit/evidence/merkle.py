"""Merkle roots over a ledger's lines: one number that stands for the whole chain up to a line.

The tree is that of RFC 6962, section 2.1: leaves are hashed with the prefix 0x00, nodes with 0x01, so that no node can
pass for a leaf. A leaf is the SHA-256 of a stored line (without its newline). The root of the lines that stood when a
document was built is printed in its foot; whoever holds the document holds all of them.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator

EMPTY = hashlib.sha256(b"").hexdigest()


def merkle_root(digests: Iterable[str]) -> str:
    """Root of the line digests (hexadecimal) in stored order; that of no line is SHA-256 of nothing."""
    return deque([EMPTY, *merkle_roots(digests)], maxlen=1).pop()


def merkle_roots(digests: Iterable[str]) -> Iterator[str]:
    """The root after each line: after one, after two, ..."""
    peaks: list[tuple[int, bytes]] = []
    for digest in digests:
        size, node = 1, hashlib.sha256(b"\x00" + bytes.fromhex(digest)).digest()
        while peaks and peaks[-1][0] == size:
            node = _node(peaks.pop()[1], node)
            size *= 2
        peaks.append((size, node))
        yield _joined(peaks)


def _joined(peaks: list[tuple[int, bytes]]) -> str:
    root = peaks[-1][1]
    for _, left in reversed(peaks[:-1]):
        root = _node(left, root)
    return root.hex()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
