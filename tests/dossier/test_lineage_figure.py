"""The path from training data to verdicts: every arrow has two ends, every result is bound to what it names."""

from dataclasses import replace
from itertools import combinations

from audit.dossier.block import NoParameters
from audit.dossier.blocks.lineage_figure import ENTRY, SHOWN
from audit.dossier.building import default_templates
from audit.dossier.content import LineageChart, Table, Text, Value
from audit.dossier.pdf import figure
from audit.dossier.pdf_lineage import LineageFigure
from audit.dossier.pdf_style import register_fonts
from audit.dossier.pdf_text import Layout
from audit.dossier.pointers import look_up
from audit.dossier.view import AuditView


def built(view: AuditView) -> tuple[LineageChart, Table]:
    chart, table = ENTRY.build(view, NoParameters())
    assert isinstance(chart, LineageChart)
    assert isinstance(table, Table)
    return chart, table


def test_the_arrows_lead_from_training_to_verdicts(view: AuditView) -> None:
    chart, _ = built(view)
    keys = [box.key for column in chart.columns for box in column]
    assert len(keys) == len(set(keys))
    assert {key for pair in chart.arrows for key in pair} == set(keys), "no box stands apart"
    reached = {"training candidate"}
    for _ in keys:
        reached |= {other for one, other in chart.arrows if one in reached}
    assert {"version candidate", "run", "observations", "estimates", "findings"} <= reached
    assert "version comparator" not in reached


def test_what_is_printed_is_what_its_address_holds(view: AuditView) -> None:
    chart, table = built(view)
    boxes = [run for column in chart.columns for box in column for line in box.lines for run in line]
    cells = [run for row in table.rows for cell in row.cells for run in cell]
    kinds = {statement.id: kind for kind, statement in view.statements.items()}
    values = [run for run in (*boxes, *cells) if isinstance(run, Value)]
    assert len(values) > 10
    for one in values:
        held = str(look_up(view.payload(kinds[one.statement]), one.pointer))
        printed = one.text.replace(",", "")
        assert printed in (held, held[:SHOWN]) or held in ("None", "")


def test_a_version_without_training_facts_says_so(view: AuditView) -> None:
    silent = replace(view, candidate=replace(view.candidate, training_run=None, training_set_digest=None))
    (box,) = [box for box in built(silent)[0].columns[0] if box.key == "training candidate"]
    assert [run for line in box.lines for run in line if run == Text("not stated", "quiet")] != []


def test_no_box_lies_over_another(view: AuditView) -> None:
    register_fonts()
    drawn = figure(built(view)[0], Layout())
    assert isinstance(drawn, LineageFigure)
    width, height = drawn.wrap(480, 800)
    places = drawn._places(height)
    for x, y, w, h in places.values():
        assert x >= 0
        assert y >= -0.01
        assert x + w <= width + 0.01
        assert y + h <= height + 0.01
    for (x, y, w, h), (x1, y1, w1, h1) in combinations(places.values(), 2):
        assert x + w <= x1 or x1 + w1 <= x or y + h <= y1 or y1 + h1 <= y


def test_both_main_documents_have_it() -> None:
    main = ("eu_ai_act_annex_iv", "fda_performance_testing")
    found = [path.stem for path in default_templates() if "kind: lineage_figure" in path.read_text(encoding="utf-8")]
    assert set(main) <= set(found)
