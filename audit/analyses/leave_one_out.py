"""What the whole-set result would be without each manufacturer (site, scanner) in turn."""

from __future__ import annotations

from collections.abc import Iterator

from audit.analyses.analysis import About, Analysis, Row, missing, stated
from audit.analyses.study import SOURCES, Level, Panel, Study
from audit.measures.answers import NO_VARIATION, constant
from audit.records import FloatArray, Interval, Undefined
from audit.statistics.resampling import percentile_interval


def run(study: Study) -> list[Row]:
    """Value without each level, and how far the whole-set value moves."""
    if not study.sources:
        return [missing(About(), "value without", f"the plan declares none of the strata {', '.join(SOURCES)}")]
    return [row for panel in study.panels for name in study.sources for row in _attribute(panel, name)]


def _attribute(panel: Panel, attribute: str) -> Iterator[Row]:
    groups = [group for group in panel.study.groups if group.attribute == attribute]
    present = [group for group in groups if (group.members & panel.usable).any()]
    about = About(panel.version, panel.target, panel.measure.name, attribute)
    about = about.at("all", panel.overall.n_patients, panel.overall.n_cases)
    if len(present) < 2:
        yield missing(about, "value without", "fewer than two levels have cases: nothing is left without one")
        return
    without = [panel.level(attribute, f"without {group.level}", ~group.members) for group in present]
    if isinstance(panel.overall.side.point, Undefined):
        yield missing(about, "value without", panel.overall.side.point.reason)
        return
    defined = [level for level in without if not isinstance(level.side.point, Undefined)]
    found = dict(zip([level.name for level in defined], panel.replicates_of(defined), strict=True))
    whole = panel.draws([panel.overall])[:, 0]
    for level in without:
        at = about.at(level.name, level.n_patients, level.n_cases)
        if isinstance(level.side.point, Undefined):
            yield missing(at, "value without", level.side.point.reason)
        else:
            yield from _moved(panel, at, level, found[level.name], whole)


def _moved(panel: Panel, about: About, level: Level, replicates: FloatArray, whole: FloatArray) -> Iterator[Row]:
    interval = level.side.interval or _percentiles(panel, replicates)
    yield stated(about, "value without", level.value, interval)
    yield stated(about, "change", level.value - panel.overall.value, _percentiles(panel, replicates - whole))


def _percentiles(panel: Panel, replicates: FloatArray) -> Interval | Undefined:
    if constant(replicates):
        return Undefined(NO_VARIATION)
    return percentile_interval(replicates, panel.study.plan.confidence)


ENTRY = Analysis(
    name="leave_one_out",
    title="Without each manufacturer in turn",
    question="Does the whole-set result hang on one manufacturer, site or scanner?",
    source="FDA draft guidance on AI-enabled device software functions (January 2025), section X; Efron 1982",
    run=run,
)
