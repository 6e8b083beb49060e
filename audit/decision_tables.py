"""Columns of the tables about single decisions: image features, altered copies, maps by region, sets, rationales."""

from __future__ import annotations

from audit.tables import FLAG, REAL, TEXT, WHOLE, Column, Table

IMAGE_FEATURES = Table(
    "image_features",
    {
        "case_id": Column(TEXT, "case"),
        "patient_id": Column(TEXT, "pseudonym"),
        "feature": Column(TEXT, "entry of FEATURES in explanations/image_features.py"),
        "value": Column(REAL, "value in the feature's unit", nullable=True),
        "undefined": Column(TEXT, "why there is no value", nullable=True),
    },
)

COPIES = Table(
    "copies",
    {
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "case, drawn by the plan's seed"),
        "patient_id": Column(TEXT, "pseudonym"),
        "target": Column(TEXT, "target"),
        "purpose": Column(TEXT, "'augmented' or 'masked'"),
        "copy": Column(TEXT, "number of the augmented copy; region masked; '<region>: inside' for the equal area"),
        "score": Column(REAL, "score of the altered image", nullable=True),
        "area": Column(REAL, "share of the image that was masked", nullable=True),
        "how": Column(TEXT, "how the region was found", nullable=True),
        "undefined": Column(TEXT, "why there is no score", nullable=True),
    },
)

MAP_REGIONS = Table(
    "map_regions",
    {
        "region_id": Column(TEXT, "short stable key of this row within the audit"),
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "explained case"),
        "patient_id": Column(TEXT, "pseudonym"),
        "target": Column(TEXT, "target"),
        "method": Column(TEXT, "entry of explanations/"),
        "region": Column(TEXT, "region of the shortcut search, 'reference mask', or an image quadrant"),
        "share": Column(REAL, "share of the map's absolute attribution in the region", nullable=True),
        "area": Column(REAL, "share of the image that the region covers: what chance would give", nullable=True),
        "extent": Column(REAL, "size of the region in mm2 or mL, where the spacing is known", nullable=True),
        "unit": Column(TEXT, "'mm2' or 'mL'", nullable=True),
        "how": Column(TEXT, "how the region was found", nullable=True),
        "undefined": Column(TEXT, "why there is no share", nullable=True),
    },
)

MAP_AGREEMENT = Table(
    "map_agreement",
    {
        "agreement_id": Column(TEXT, "short stable key of this row within the audit"),
        "case_id": Column(TEXT, "case explained for both versions"),
        "patient_id": Column(TEXT, "pseudonym"),
        "target": Column(TEXT, "target"),
        "method": Column(TEXT, "entry of explanations/"),
        "agreement": Column(REAL, "Spearman correlation of both maps' absolute attribution over a grid", nullable=True),
        "shared": Column(REAL, "share of the most attributed tenth of the grid that both maps have", nullable=True),
        "candidate_region": Column(TEXT, "image quadrant with most attribution of the candidate", nullable=True),
        "comparator_region": Column(TEXT, "the same of the comparator", nullable=True),
        "undefined": Column(TEXT, "why there is no agreement", nullable=True),
    },
)

UNCERTAINTY = Table(
    "uncertainty",
    {
        "uncertainty_id": Column(TEXT, "short stable key of this row within the audit"),
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "case"),
        "patient_id": Column(TEXT, "pseudonym"),
        "target": Column(TEXT, "target"),
        "part": Column(TEXT, "'calibration' or 'evaluated'; missing without conformal sets", nullable=True),
        "with_positive": Column(FLAG, "whether the prediction set holds 'positive'", nullable=True),
        "with_negative": Column(FLAG, "whether it holds 'negative'", nullable=True),
        "covered": Column(REAL, "1 where the set holds the reference, else 0", nullable=True),
        "copies": Column(WHOLE, "augmented copies with a score", nullable=True),
        "spread": Column(REAL, "SD of the score over the augmented copies and the image itself", nullable=True),
        "turned": Column(REAL, "share of the copies that are decided otherwise than the image", nullable=True),
        "undefined": Column(TEXT, "what has no value, and why", nullable=True),
    },
)

RATIONALES = Table(
    "rationales",
    {
        "rationale_id": Column(TEXT, "short stable key of this row within the audit"),
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "explained case"),
        "patient_id": Column(TEXT, "pseudonym"),
        "target": Column(TEXT, "target"),
        "method": Column(TEXT, "entry of explanations/ that the phrase is about", nullable=True),
        "place": Column(WHOLE, "place of the phrase in the rationale, from 1"),
        "sentence": Column(WHOLE, "sentence that the phrase belongs to, from 1"),
        "fact": Column(TEXT, "name of the phrase in explanations/rationale.yaml"),
        "phrase": Column(TEXT, "the phrase, in words"),
        "product": Column(TEXT, "kind of the statement that holds the fact", nullable=True),
        "pointer": Column(TEXT, "where the fact stands in that product", nullable=True),
    },
)

RANDOM_WEIGHTS = Table(
    "random_weights",
    {
        "version": Column(TEXT, "'candidate' or 'comparator'"),
        "case_id": Column(TEXT, "case, drawn by the plan's seed, half of them reference-positive where the set allows"),
        "patient_id": Column(TEXT, "pseudonym"),
        "target": Column(TEXT, "target explained"),
        "copy": Column(WHOLE, "0: the version's own weights; from 1 on: copies with random weights"),
        "value": Column(REAL, "score, or of a segmentation Dice overlap with the reference", nullable=True),
        "undefined": Column(TEXT, "why there is no value", nullable=True),
    },
)
DECISION_TABLES = (IMAGE_FEATURES, COPIES, MAP_REGIONS, MAP_AGREEMENT, UNCERTAINTY, RATIONALES, RANDOM_WEIGHTS)


def outcome(reference: float, decision: float) -> str:
    """What a decision (0 or 1) is against the reference standard: 'true positive', 'false negative', ..."""
    right = "true" if reference == decision else "false"
    return f"{right} {'positive' if decision == 1 else 'negative'}"
