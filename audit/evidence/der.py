"""One repair of DER: the certificates of a time stamp in the order that DER asks of a SET OF.

OpenSSL and others write them as they come; a strict reader refuses that. Certificates lie outside what the stamp's
signature covers, and sorting changes no length, so nothing else moves. Sources: X.690, 11.6; RFC 5652, 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass

CERTIFICATES = 0xA0
PATH = (1, 1, 0)
"""From a TimeStampResp to its SignedData: the token, its content, what that holds."""


@dataclass(frozen=True, slots=True)
class Part:
    """One element: its tag, where it begins, where its content begins and ends."""

    tag: int
    start: int
    content: int
    end: int


def with_sorted_certificates(data: bytes) -> bytes:
    """``data``, a TimeStampResp, with its certificates sorted; as it is where it has no such set or is no DER."""
    try:
        (part,) = _parts(data, 0, len(data))
        for place in PATH:
            part = _parts(data, part.content, part.end)[place]
        sets = [one for one in _parts(data, part.content, part.end)[3:] if one.tag == CERTIFICATES]
        for one in sets:
            inside = sorted(data[each.start : each.end] for each in _parts(data, one.content, one.end))
            data = data[: one.content] + b"".join(inside) + data[one.end :]
    except (IndexError, ValueError):
        return data
    return data


def _parts(data: bytes, start: int, end: int) -> list[Part]:
    """The elements between two places; ``ValueError`` where they do not fill it."""
    found: list[Part] = []
    while start < end:
        content, length = start + 2, data[start + 1]
        if length & 0x80:
            more = length & 0x7F
            content, length = content + more, int.from_bytes(data[content : content + more])
        found.append(Part(data[start], start, content, content + length))
        start = content + length
    if start != end:
        raise ValueError("an element ends outside its parent")
    return found
