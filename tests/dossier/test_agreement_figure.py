"""Bland-Altman plots: ticks that can be read, numbers that do not overlap."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from audit.dossier.agreement_figure import HEIGHT, SPACE, _apart, limits, plain_ticks, ratio_ticks
from audit.dossier.content import AgreementLine, text
from audit.dossier.pdf_style import SMALL, register_fonts
from audit.dossier.pdf_text import set_text


@given(st.floats(-3, -0.001), st.floats(0.001, 3))
def test_ratio_ticks_hold_one_and_leave_room_for_their_text(low: float, high: float) -> None:
    found = ratio_ticks((low, high))
    heights = [HEIGHT * (value - low) / (high - low) for value, _ in found]
    assert (0.0, "1") in found
    assert all(math.isclose(math.exp(value), float(words)) for value, words in found)
    assert all(b - a >= SPACE - 1e-9 for a, b in pairwise(heights))


def test_plain_ticks_write_a_true_minus() -> None:
    assert plain_ticks((-10.4, 10.4)) == [(-10.0, "\u221210"), (-5.0, "\u22125"), (0.0, "0"), (5.0, "5"), (10.0, "10")]


def test_a_range_is_never_empty() -> None:
    for values in ([3.0], [0.0, 0.0], [-1.0, 2.0]):
        low, high = limits(values)
        assert low < min(values)
        assert high > max(values)


def test_numbers_of_close_lines_are_moved_apart() -> None:
    register_fonts()
    lines = [
        AgreementLine(name, value, None, None, text("0.1")) for name, value in (("a", 0.1), ("b", 0.0), ("c", 0.1))
    ]
    words = [(line, set_text(text(line.label), SMALL, 100, {})) for line in lines]
    tops = [top for top, _ in _apart(words, (-10.0, 10.0))]
    assert len(tops) == 3
    assert all(above - below >= SMALL.leading for above, below in pairwise(tops))
