"""MONAI bundle: its network, preprocessing, inferer and activations, from the inference configuration and the weights.

Reading is the audit's own: transforms that load, cast or move are passed over, those that only need pixels are applied
(``preprocessing.ALLOWED``), any other is refused by name. MONAI loads images with the first axis along a row (x first)
where the audit has rows first, so that a bundle that loads its images gets them with their axes reversed, and its maps
are turned back. Steps that decide (``AsDiscreted``) are passed over as well: the plan's operating point decides.
"""

from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from audit.model_refs import MonaiBundle
from audit.models.bundle_config import TARGET, built, declared, plain, read_config
from audit.models.folder import DATA, only_file
from audit.models.model import Format, Loaded, frozen, named
from audit.models.outputs import OutputRule
from audit.models.preprocessing import Preprocessing, preprocessing
from audit.models.quiet import quiet
from audit.records import BadInput

LOADING = "LoadImaged"
READING = (LOADING, "EnsureChannelFirstd", "EnsureTyped", "ToTensord", "CastToTyped", "ToDeviced")
DECIDING = ("AsDiscreted", "Invertd", "SaveImaged", "EnsureTyped", "ToTensord", "CastToTyped", "ToDeviced")
WANTED = ("network_def", "preprocessing", "postprocessing", "inferer")
INFERENCE = ("inference.json", "inference.yaml", "inference.yml")


def load(ref: MonaiBundle, folder: Path, device: str) -> Loaded:
    """The bundle's network with its weights on ``device``, in evaluation mode."""
    label = f"model {ref.name} version {ref.version}"
    path = _only(folder, INFERENCE, label)
    metadata = read_config(_only(folder, ("metadata.json",), label), label)
    config = _sections(path, ref, label)
    network = _network(config, label)
    _load_weights(network, only_file(folder, (".pt", ".pth", ".safetensors"), ref), ref, label)
    network = network.to(device).eval()
    outputs, rules = _outputs(metadata, config, label)
    infer = _inferer(config, label)

    def run(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        return named(infer(batch, network) if infer else network(batch), outputs)

    steps = _preprocessing(config, label)
    return Loaded(
        outputs, run, lambda: frozen(copy.deepcopy(network)),
        preprocessing=steps, rules=rules, x_first=_loads_x_first(config, label),
    )  # fmt: skip


def _only(folder: Path, names: tuple[str, ...], label: str) -> Path:
    found = [path for path in sorted((folder / DATA).rglob("*")) if path.name in names]
    if len(found) != 1:
        raise BadInput(f"{label}: a bundle has one {' or '.join(names)}; found {len(found)} among its files.")
    return found[0]


def _sections(path: Path, ref: MonaiBundle, label: str) -> dict[str, Any]:
    """The sections wanted: as data; evaluated only where the plan allows this very file."""
    config = read_config(path, label)
    if hashlib.sha256(path.read_bytes()).hexdigest() in ref.allow:
        return _evaluated(path, label)
    return {name: plain(config, config[name], label) for name in WANTED if name in config}


def _evaluated(path: Path, label: str) -> dict[str, Any]:
    """The same sections, their expressions evaluated by MONAI and their objects left as declarations."""
    from monai.bundle import ConfigParser

    parser = ConfigParser()
    parser.read_config(str(path))
    try:
        return {name: _resolved(parser, name) for name in WANTED if name in parser.config}
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BadInput(f"{label}: an expression in {path.name} cannot be evaluated ({reason}).") from error


def _resolved(parser: Any, name: str) -> Any:
    """One section, leaf by leaf: MONAI evaluates the text of a leaf, and nothing is built."""
    value = parser.config
    for step in name.split("::"):
        value = value[int(step)] if isinstance(value, list) else value[step]
    if isinstance(value, dict):
        return {key: _resolved(parser, f"{name}::{key}") for key in value}
    if isinstance(value, list):
        return [_resolved(parser, f"{name}::{place}") for place in range(len(value))]
    return parser.get_parsed_content(name, instantiate=False) if isinstance(value, str) else value


def _network(config: Mapping[str, Any], label: str) -> torch.nn.Module:
    from monai.networks import nets

    def known(name: str) -> Any:
        kind = getattr(nets, name, None)
        return kind if isinstance(kind, type) and issubclass(kind, torch.nn.Module) else None

    given = config.get("network_def")
    if isinstance(given, dict) and given.get("pretrained"):
        raise BadInput(f"{label}: 'network_def' asks for pretrained weights from elsewhere; set it to false.")
    network = built(given, known, label, "network_def")
    assert isinstance(network, torch.nn.Module)
    return network


def _load_weights(network: torch.nn.Module, path: Path, ref: MonaiBundle, label: str) -> None:
    data = path.read_bytes()
    weights = _weights(data, path, ref, label)
    for key in ("model", "state_dict"):
        weights = weights[key] if isinstance(weights.get(key), Mapping) else weights
    try:
        network.load_state_dict(weights)
    except (RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"{label}: the weights in {path.name} do not fit 'network_def' ({reason}).") from error


def _weights(data: bytes, path: Path, ref: MonaiBundle, label: str) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load as read

        return read(data)
    allowed = hashlib.sha256(data).hexdigest() in ref.allow
    try:
        with quiet():
            return torch.load(io.BytesIO(data), map_location="cpu", weights_only=not allowed)
    except Exception as error:
        raise BadInput(
            f"{label}: {path.name} holds more than weights, or is damaged; store a plain state dictionary, or name its "
            "SHA-256 under 'allow' in the plan."
        ) from error


def _steps(config: Mapping[str, Any], section: str, label: str) -> list[tuple[str, dict[str, Any]]]:
    """Name and arguments of each transform of a Compose, switched-off ones left out."""
    given = config.get(section)
    if given is None:
        return []
    steps = given.get("transforms", [given]) if isinstance(given, dict) else given
    return [declared(step, label, section) for step in steps if not step.get("_disabled_")]


def _preprocessing(config: Mapping[str, Any], label: str) -> Preprocessing:
    kept = [step for step in _steps(config, "preprocessing", label) if step[0] not in READING]
    return preprocessing(
        [{"step": name.removesuffix("d"), **_without_keys(arguments)} for name, arguments in kept], label
    )


def _loads_x_first(config: Mapping[str, Any], label: str) -> bool:
    loaders = [arguments for name, arguments in _steps(config, "preprocessing", label) if name == LOADING]
    return any("numpy" not in str(each.get("reader", "")).lower() for each in loaders)


def _without_keys(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the array form: the dictionary form's own, and lists of one, left out."""
    own = {key: value for key, value in arguments.items() if key not in ("keys", "allow_missing_keys")}
    one = {key: value[0] for key, value in own.items() if key == "mode" and isinstance(value, list) and value}
    return own | one


def _inferer(config: Mapping[str, Any], label: str) -> Any:
    from monai import inferers

    def known(name: str) -> Any:
        return getattr(inferers, name, None) if name in ("SimpleInferer", "SlidingWindowInferer") else None

    given = config.get("inferer")
    return built(given, known, label, "inferer") if isinstance(given, dict) and TARGET in given else None


def _outputs(
    metadata: Mapping[str, Any], config: Mapping[str, Any], label: str
) -> tuple[tuple[str, ...], dict[str, OutputRule]]:
    """The network's output as the metadata names it, and one named output per channel that is no background."""
    format_ = metadata.get("network_data_format", {})
    given = format_.get("outputs", {}) if isinstance(format_, dict) else {}
    if len(given) != 1:
        raise BadInput(f"{label}: metadata.json declares {len(given)} outputs; one was expected.")
    [(tensor, facts)] = given.items()
    activation = _activation(config, label)
    channels = facts.get("channel_def") or {}
    if int(facts.get("num_channels") or 1) == 1:
        name = str(next(iter(channels.values()), tensor))
        return (tensor,), {name: OutputRule(tensor=tensor, activation=activation)}
    return (tensor,), {
        str(name): OutputRule(tensor=tensor, activation=activation, channel=int(channel))
        for channel, name in channels.items()
        if str(name).lower() != "background"
    }


def _activation(config: Mapping[str, Any], label: str) -> Any:
    """The declared activation; taking the largest channel means the softmax, whose largest it is."""
    found = None
    for name, arguments in _steps(config, "postprocessing", label):
        if name == "Activationsd":
            found = next((kind for kind in ("sigmoid", "softmax") if arguments.get(kind)), found)
        elif name == "AsDiscreted" and arguments.get("argmax"):
            found = found or "softmax"
        elif name not in DECIDING:
            raise BadInput(
                f"{label}: its postprocessing step '{name}' changes the output and is not applied here; export the "
                "whole chain as pt2 or ONNX, or register it as a command."
            )
    return found


ENTRY = Format("monai_bundle", "MONAI bundle", load)
