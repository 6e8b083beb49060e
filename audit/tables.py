"""The columns of every table an audit writes, declared once; ``conform`` refuses any other shape.

Tables are Parquet files. ``nullable`` columns may hold missing values; everything else must be present.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from audit.records import BadInput

TEXT, REAL, WHOLE, FLAG = "string", "Float64", "Int64", "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its pandas type, what it means (with unit) and whether it may be missing.

    ``added`` columns came after the first evidence was written: a table without one reads as if it held nothing there.
    """

    dtype: str
    meaning: str
    nullable: bool = False
    added: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name, its declared columns and whether further columns may follow (strata, task columns).

    ``sparse``: nullable columns that a frame lacks are added empty, since each task fills its own.
    """

    name: str
    columns: Mapping[str, Column]
    open_ended: bool = False
    sparse: bool = False

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with declared types and column order; raises ``BadInput`` for a missing or unknown column."""
        absent = [name for name, column in self.columns.items() if name not in frame and self._fills(column)]
        frame = frame.reindex(columns=[*frame.columns, *absent]) if absent else frame
        missing = [name for name in self.columns if name not in frame]
        if missing:
            raise BadInput(f"table {self.name}: column '{missing[0]}' is missing; expected {list(self.columns)}.")
        extra = [str(name) for name in frame if name not in self.columns]
        if extra and not self.open_ended:
            raise BadInput(f"table {self.name}: column '{extra[0]}' is not declared; see audit/tables.py.")
        out = frame[[*self.columns, *extra]].astype({name: col.dtype for name, col in self.columns.items()})
        self._refuse_gaps(out)
        return out.reset_index(drop=True)

    def _fills(self, column: Column) -> bool:
        return column.added or (self.sparse and column.nullable)

    def _refuse_gaps(self, frame: pd.DataFrame) -> None:
        for name, column in self.columns.items():
            if not column.nullable and bool(frame[name].isna().any()):
                row = int(frame[name].isna().to_numpy().argmax())
                raise BadInput(f"table {self.name}: column '{name}' has no value in row {row}; it must be filled.")


def _added(meaning: str, dtype: str = REAL) -> Column:
    return Column(dtype, meaning, nullable=True, added=True)


CASES = Table(
    "cases",
    {
        "case_id": Column(TEXT, "one image or one volume"),
        "patient_id": Column(TEXT, "pseudonym; the unit of resampling"),
        "image": Column(
            TEXT,
            "path inside the validation set (in evidence: the digest's first digits); empty for recorded predictions",
            nullable=True,
        ),
        "sha256": Column(TEXT, "SHA-256 of the image file", nullable=True),
    },
    open_ended=True,  # references and attributes, as the manifest has them; strata as 'stratum:<attribute>'
)

REFERENCES = Table(
    "references",
    {
        "case_id": Column(TEXT, "case"),
        "target": Column(TEXT, "target"),
        "reader": Column(TEXT, "who or what read it; 'reference' for the combined reading"),
        "value": Column(
            REAL, "reading: 0 or 1, measurement, grade (text: its place, lowest 0), number of lesions", nullable=True
        ),
        "artifact": Column(
            TEXT,
            "mask file, or file of boxes or points, inside the validation set (in evidence by its digest)",
            nullable=True,
        ),
        "grid": _added("where the mask's voxels lie, as its file says", TEXT),
    },
)

PREDICTIONS = Table(
    "predictions",
    {
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "case"),
        "target": Column(TEXT, "target"),
        "score": Column(REAL, "model output for a scalar target: score, measurement or grade", nullable=True),
        "artifact": Column(TEXT, "mask artifact inside the audit, with index: file#row", nullable=True),
        "seconds": Column(
            REAL,
            "inference time of the case's batch divided by its cases; recorded predictions: as recorded",
            nullable=True,
        ),
        "error": Column(TEXT, "why there is no prediction", nullable=True),
        "grid": _added("where the mask's voxels lie", TEXT),
    },
)

_PLACE = {
    "x": Column(REAL, "left edge of a box, or a point, in pixels along a row; pixel i reaches from i to i + 1"),
    "y": Column(REAL, "upper edge of a box, or a point, in pixels along a column"),
    "z": Column(REAL, "first slice's edge, or a point, in slices; missing in a 2-D image", nullable=True),
    "width": Column(REAL, "extent in x, pixels; missing for a point", nullable=True),
    "height": Column(REAL, "extent in y, pixels; missing for a point", nullable=True),
    "depth": Column(REAL, "extent in z, slices; missing for a point and in a 2-D image", nullable=True),
}

LESIONS = Table(
    "lesions",
    {
        "case_id": Column(TEXT, "case"),
        "target": Column(TEXT, "detection target"),
        "lesion": Column(WHOLE, "number of the lesion within case and target, from 1"),
        "weight": Column(REAL, "clinical weight within the case; the weights of a case add up to 1"),
        **_PLACE,
    },
)

MARKS = Table(
    "marks",
    {
        "version": Column(TEXT, "'candidate', 'comparator' or 'candidate + <arm>'"),
        "case_id": Column(TEXT, "case"),
        "target": Column(TEXT, "detection target"),
        "mark": Column(WHOLE, "number of the mark within version, case and target, from 1, as the device gave them"),
        "rating": Column(REAL, "the device's rating of the mark; higher is more suspicious"),
        **_PLACE,
    },
)

LOCALISATIONS = Table(
    "localisations",
    {
        "version": Column(TEXT, "'candidate', 'comparator' or 'candidate + <arm>'"),
        "case_id": Column(TEXT, "case"),
        "target": Column(TEXT, "detection target"),
        "mark": Column(WHOLE, "mark; missing for a lesion that none hit", nullable=True),
        "lesion": Column(WHOLE, "lesion that the mark hit; missing for a mark beside every lesion", nullable=True),
        "outcome": Column(
            TEXT,
            "'hit' (the lesion's mark), 'false' (beside every lesion, or a further mark on one where the plan counts "
            "it false), 'further' (a further mark on a lesion, ignored), 'missed' (lesion without a mark), "
            "'unprocessed' (lesion of a case that the version gave no output for)",
        ),
        "rating": Column(REAL, "rating of the mark; missing for a lesion that no mark hit", nullable=True),
        "weight": Column(REAL, "weight of the lesion, for 'hit', 'missed' and 'unprocessed'", nullable=True),
    },
)

DISPOSITIONS = Table(
    "dispositions",
    {
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "case"),
        "target": Column(TEXT, "target"),
        "fate": Column(TEXT, "analysed, excluded, rejected, failed or equivocal"),
        "reason": Column(TEXT, "why, for every fate but 'analysed'", nullable=True),
    },
)

OBSERVATIONS = Table(
    "observations",
    {
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "case"),
        "patient_id": Column(TEXT, "pseudonym"),
        "target": Column(TEXT, "target"),
        "score": Column(REAL, "model score; detection: highest rating of a mark, missing without one", nullable=True),
        "reference": Column(
            REAL,
            "reference standard: 0 or 1 (classification); reference mask not empty (segmentation); any lesion "
            "(detection)",
            nullable=True,
        ),
        "decision": Column(REAL, "score at or above the operating point: 0 or 1; without a mark 0", nullable=True),
        "dice": Column(
            REAL,
            "Dice overlap; missing where both masks are empty or no reference mask exists",
            nullable=True,
        ),
        "iou": _added("intersection over union of the masks; missing as Dice"),
        "surface_within": _added(
            "share of both masks' surface voxels within the plan's tolerance of the other surface; missing as Dice"
        ),
        "hd95_mm": _added("larger directed 95th percentile of surface distances; missing where a mask is empty"),
        "assd_mm": _added("mean surface distance over both directions; missing where a mask is empty"),
        "lesion_iou": _added("sum of the intersections over union of matched lesions (one-to-one matching)"),
        "volume_predicted_ml": Column(REAL, "predicted volume, mL (area x slice thickness)", nullable=True),
        "volume_reference_ml": Column(REAL, "reference volume, mL", nullable=True),
        "value_predicted": Column(REAL, "measured quantity, in the target's unit", nullable=True),
        "value_reference": Column(REAL, "reference value of the quantity, in the target's unit", nullable=True),
        "grade_predicted": Column(REAL, "place of the predicted grade on the target's scale, lowest 0", nullable=True),
        "grade_reference": Column(REAL, "place of the reference grade on the target's scale, lowest 0", nullable=True),
        "n_grades": Column(REAL, "number of grades on the target's scale", nullable=True),
        "repeat_square": Column(
            REAL, "squared deviation of the output from the mean of the patient's repeats", nullable=True
        ),
        "repeat_df": Column(REAL, "the case's share of the degrees of freedom of its repeats", nullable=True),
        "seconds": Column(REAL, "time to the device's answer, or to its notification where recorded", nullable=True),
        "lesions_reference": Column(REAL, "lesions of the reference standard (detection, masks)", nullable=True),
        "marks": Column(
            REAL, "marks of the device, at any rating; 0 where it marked nothing (detection)", nullable=True
        ),
        "lesions_found": Column(
            REAL, "lesions hit by a mark at or above the operating point, or matched by a predicted one", nullable=True
        ),
        "lesions_false": Column(
            REAL, "false marks at or above the operating point, or predicted lesions without match", nullable=True
        ),
    },
    open_ended=True,
    sparse=True,
)

ESTIMATES = Table(
    "estimates",
    {
        "estimate_id": Column(TEXT, "short stable key of this row within the audit"),
        "kind": Column(
            TEXT,
            "'value'; 'contrast' (level - baseline); 'change' (version - version); 'worst case' (failed = wrong); "
            "'gap' (largest - smallest level, its null in 'method')",
        ),
        "version": Column(TEXT, "'candidate', 'comparator', 'candidate + <arm>' or 'candidate - comparator'"),
        "measure": Column(TEXT, "entry of measures/"),
        "target": Column(TEXT, "target"),
        "attribute": Column(TEXT, "'overall', an attribute, or an intersection 'sex & age_band'"),
        "level": Column(TEXT, "level of the attribute; 'all' for overall; 'F & 60-90' for an intersection"),
        "baseline": Column(TEXT, "baseline level of a contrast", nullable=True),
        "value": Column(REAL, "estimate, in the measure's unit", nullable=True),
        "low": Column(REAL, "lower confidence limit", nullable=True),
        "high": Column(REAL, "upper confidence limit", nullable=True),
        "confidence": Column(REAL, "two-sided confidence"),
        "method": Column(TEXT, "name of the interval's method", nullable=True),
        "n_patients": Column(WHOLE, "patients that contribute"),
        "n_cases": Column(WHOLE, "cases that contribute"),
        "n_events": Column(WHOLE, "reference-positive cases among them", nullable=True),
        "n_failed": Column(WHOLE, "cases of the group without a usable prediction"),
        "n_undefined_resamples": Column(WHOLE, "resamples in which the measure had no value", nullable=True),
        "undefined": Column(TEXT, "why there is no value (or no interval)", nullable=True),
    },
)

CURVES = Table(
    "curves",
    {
        "curve": Column(
            TEXT,
            "'roc': sensitivity over 1 - specificity, points at which it turns; 'froc': lesion sensitivity over false "
            "positives per image",
        ),
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "target": Column(TEXT, "target"),
        "point": Column(WHOLE, "place on the curve, from 0"),
        "threshold": Column(
            REAL, "score or rating at or above which cases or marks count; missing where none does", nullable=True
        ),
        "x": Column(
            REAL, "roc: share of negative cases called positive; froc: false positives per image, over all analysed"
        ),
        "y": Column(REAL, "roc: share of positive cases called positive; froc: share of lesions hit"),
    },
)

ANALYSES = Table(
    "analyses",
    {
        "analysis_id": Column(TEXT, "short stable key of this row within the audit"),
        "analysis": Column(TEXT, "entry of analyses/"),
        "version": Column(TEXT, "'candidate', 'comparator', 'candidate - comparator'; 'set' without a model"),
        "target": Column(TEXT, "target; 'all' for a statement about the whole audit"),
        "measure": Column(TEXT, "entry of measures/; 'share' for the make-up of the set; 'all'"),
        "attribute": Column(TEXT, "'overall', an attribute, an intersection, or 'attribute within attribute'"),
        "level": Column(TEXT, "level, or 'A - B' for a comparison; 'all' for a statement about the whole attribute"),
        "quantity": Column(TEXT, "what the value is: 'Q', 'I2', 'tau', 'difference', 'own threshold', ..."),
        "value": Column(REAL, "value, in the measure's unit unless the quantity says otherwise", nullable=True),
        "low": Column(REAL, "lower limit", nullable=True),
        "high": Column(REAL, "upper limit", nullable=True),
        "p": Column(REAL, "p value for this row alone", nullable=True),
        "p_adjusted": Column(REAL, "p value adjusted for the looks that 'method' names", nullable=True),
        "verdict": Column(TEXT, "what it shows, in the words of docs/statistics.md", nullable=True),
        "method": Column(TEXT, "test, interval, scale and what was left out", nullable=True),
        "n_patients": Column(WHOLE, "patients that contribute"),
        "n_cases": Column(WHOLE, "cases that contribute"),
        "undefined": Column(TEXT, "why there is no value", nullable=True),
    },
)

EXPLANATIONS = Table(
    "explanations",
    {
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "case, drawn by the plan's rule"),
        "patient_id": Column(TEXT, "pseudonym"),
        "target": Column(TEXT, "target explained"),
        "method": Column(TEXT, "entry of explanations/"),
        "overlay": Column(TEXT, "PNG inside the audit: original beside overlay", nullable=True),
        "attribution": Column(TEXT, "array file inside the audit", nullable=True),
        "energy_inside": Column(REAL, "share of absolute attribution inside the reference mask, 0 to 1", nullable=True),
        "area_inside": Column(
            REAL, "share of the image that the reference mask covers: what chance would give", nullable=True
        ),
        "completeness_error": Column(
            REAL, "|sum of attributions - (output - baseline output)|, relative", nullable=True
        ),
        "layer": Column(TEXT, "layer chosen by rule (Grad-CAM)", nullable=True),
        "text": Column(TEXT, "two sentences, in evidence made before the table of rationales", nullable=True),
        "error": Column(TEXT, "why there is no explanation", nullable=True),
        "drawn_as": _added(
            "the candidate's decision on the plan's explained target ('false negative', ...) for which the case was "
            "drawn after inference; missing where it was drawn before",
            TEXT,
        ),
    },
)

EXPLANATION_SCORES = Table(
    "explanation_scores",
    {
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "case, drawn by the plan's rule before inference"),
        "patient_id": Column(TEXT, "pseudonym"),
        "target": Column(TEXT, "target explained"),
        "method": Column(TEXT, "entry of explanations/"),
        "score": Column(TEXT, "entry of explanations/scores/ and, for its mean, of measures/"),
        "value": Column(REAL, "score of this case's map, in the measure's unit", nullable=True),
        "detail": Column(TEXT, "the parts that the value sums up, in words", nullable=True),
        "undefined": Column(TEXT, "why this map has no such score", nullable=True),
    },
)

EXPLANATION_VERDICTS = Table(
    "explanation_verdicts",
    {
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "target": Column(TEXT, "target explained"),
        "method": Column(TEXT, "entry of explanations/"),
        "verdict": Column(TEXT, "'usable', 'with care' or 'not usable'"),
        "sanity": Column(TEXT, "randomisation check: 'passed', 'not shown', 'not passed' or 'not assessed'"),
        "reasons": Column(TEXT, "criterion by criterion, what was found"),
    },
)

IMPORTANCE = Table(
    "importance",
    {
        "importance_id": Column(TEXT, "short stable key of this row within the audit"),
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "target": Column(TEXT, "target"),
        "outcome": Column(
            TEXT, "'misses' (reference-positive cases), 'false alarms' (reference-negative cases) or 'score' (all)"
        ),
        "feature": Column(TEXT, "recorded case feature, or 'image: ' and an image feature"),
        "value": Column(
            REAL, "mean absolute SHAP value of the surrogate, probability points or units of the score", nullable=True
        ),
        "low": Column(REAL, "lower limit, patient bootstrap", nullable=True),
        "high": Column(REAL, "upper limit", nullable=True),
        "method": Column(TEXT, "surrogate and interval method", nullable=True),
        "direction": Column(TEXT, "which level or end of the feature goes with more errors", nullable=True),
        "fidelity": Column(
            REAL, "out-of-fold AUROC (errors; 0.5 explains nothing) or R2 (score; 0) of the surrogate", nullable=True
        ),
        "n_cases": Column(WHOLE, "cases"),
        "n_errors": Column(WHOLE, "errors among them; 0 for the score"),
        "undefined": Column(TEXT, "why there is no value", nullable=True),
        "fidelity_measure": _added("'AUROC' or 'R2'", TEXT),
        "fidelity_low": _added("lower limit of the fidelity, over patients"),
        "fidelity_high": _added("upper limit"),
        "least_fidelity": _added("the plan's least fidelity of a usable surrogate"),
        "usable": _added("'usable', 'with care' or 'not usable'", TEXT),
        "permutation": _added("loss of fidelity when the feature is permuted out of fold"),
        "permutation_low": _added("lower limit, patients resampled"),
        "permutation_high": _added("upper limit"),
    },
)

ACCESSES = Table(
    "accesses",
    {
        "event": Column(TEXT, "lock, amend, run started, run finished, run aborted, case shown"),
        "audit": Column(TEXT, "audit id"),
        "plan": Column(TEXT, "plan id"),
        "plan_sha256": Column(TEXT, "digest of the plan's bytes"),
        "validation_set": Column(TEXT, "name"),
        "set_sha256": Column(TEXT, "digest of the validation set"),
        "at": Column(TEXT, "UTC, ISO 8601"),
        "who": Column(TEXT, "as given with the command", nullable=True),
        "note": Column(TEXT, "reason of an amendment or of an abort", nullable=True),
    },
)

CASE_USES = Table(
    "case_uses",
    {
        "validation_set": Column(TEXT, "set in which the case was used last"),
        "case_id": Column(TEXT, "its case id there"),
        "case_key": Column(TEXT, "what it is known by: SHA-256 of its image, else of 'set/case id'"),
        "uses": Column(WHOLE, "audits started on it"),
        "shown": Column(WHOLE, "times its output was shown (sequestered sets)"),
        "last_at": Column(TEXT, "last start, UTC, ISO 8601"),
        "last_plan": Column(TEXT, "plan of the last use"),
        "last_who": Column(TEXT, "who started it", nullable=True),
    },
)

CASE_USE, FRESH, REUSED = "case_use", "fresh", "reused"
OVERALL = "overall"
ALL = "all"
UNKNOWN = "unknown"
NO_REFERENCE = "no reference standard"
FATES = ("analysed", "excluded", "rejected", "failed", "equivocal")


def stratum_column(attribute: str) -> str:
    """Name of the column in CASES that holds each case's level of ``attribute``."""
    return f"stratum:{attribute}"
