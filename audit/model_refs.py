"""How a plan names the version under audit: one class per model format, told apart by ``kind``.

Everything but ``recorded`` stands in the MLflow registry (``audit register``, or ``audit.models.registering``), so that
its files are digested when the plan is locked, when the version is opened and when the audit is verified.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Version(BaseModel):
    """Name and version number of a model.

    ``gradients``: whether derivatives by the pixels exist; ``layers``: whether layers can be looked at by name
    (Grad-CAM); ``takes_pixels``: whether it can be run on altered images (perturbation arms). ``not_blind_to`` says
    what the version was given of these very cases besides the images (reports, labels, outlines), in training or when
    it predicted: full sentences, printed as a serious concern.
    """

    gradients: ClassVar[bool] = False
    layers: ClassVar[bool] = False
    takes_pixels: ClassVar[bool] = True

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    version: str
    not_blind_to: str = ""

    @field_validator("version", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> str:
        return str(value)


class RegisteredModel(Version):
    """A version in the MLflow registry, stored as an exported program (pt2); the default."""

    gradients: ClassVar[bool] = True
    layers: ClassVar[bool] = True

    kind: Literal["mlflow"] = "mlflow"


class OnnxModel(Version):
    """An ONNX graph in one file, run by onnxruntime on the CPU."""

    kind: Literal["onnx"]


class TorchScriptModel(Version):
    """A TorchScript archive. It has gradients but no layers by name."""

    gradients: ClassVar[bool] = True

    kind: Literal["torchscript"]


class MonaiBundle(Version):
    """A MONAI bundle: metadata, inference configuration, weights.

    Only declared names (``_target_``) of MONAI's networks, inferers and transforms are built. ``allow`` holds the
    SHA-256 of files that may do more: a configuration whose ``$`` expressions may be evaluated, weights that may be
    unpickled. Either can run any code.
    """

    gradients: ClassVar[bool] = True
    layers: ClassVar[bool] = True

    kind: Literal["monai_bundle"]
    allow: tuple[Sha256, ...] = ()


class PickledModel(Version):
    """A pickled torch module, which can run any code when it is opened; ``sha256`` names the one file allowed to."""

    gradients: ClassVar[bool] = True
    layers: ClassVar[bool] = True

    kind: Literal["pickle"]
    sha256: Sha256


class CommandModel(Version):
    """A program that reads a folder of images and writes a table.

    ``run`` is its argument list (no shell): ``{files}`` stands for the folder of the registered files, ``{images}`` for
    the folder to read, ``{predictions}`` for the CSV file to write. ``outputs`` are the columns it writes beside
    ``image``. ``timeout_s`` is allowed for each image.
    """

    takes_pixels: ClassVar[bool] = False

    kind: Literal["command"]
    run: tuple[str, ...] = Field(min_length=1)
    outputs: tuple[str, ...] = Field(min_length=1)
    timeout_s: float = Field(default=60, gt=0)


class RecordedPredictions(Version):
    """A device nobody may open: its outputs, recorded before the lock.

    ``scores`` is a CSV or Parquet file (path relative to the plan) with one row per case; ``case_id`` names its key
    column, each target's ``output`` the column with the score (or, for segmentation, with a mask file below
    ``masks_folder``, relative to the plan; the table's own folder where it is not given); ``columns`` maps an output to
    this table's own name for it. ``marks`` is a CSV, Parquet or COCO file with one row per mark, for detection
    (``audit.places``).
    """

    takes_pixels: ClassVar[bool] = False

    kind: Literal["recorded"]
    scores: str | None = None
    marks: str | None = None
    case_id: str = "case_id"
    columns: dict[str, str] = {}
    masks_folder: str | None = None

    @model_validator(mode="after")
    def _some_file(self) -> RecordedPredictions:
        if not self.files:
            raise ValueError("recorded predictions need a file: 'scores' (one row per case) or 'marks' (one per mark)")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """The files that the version consists of, as the plan names them."""
        return tuple(name for name in (self.scores, self.marks) if name is not None)


Registered = RegisteredModel | OnnxModel | TorchScriptModel | MonaiBundle | PickledModel | CommandModel
Model = Annotated[Registered | RecordedPredictions, Field(discriminator="kind")]
