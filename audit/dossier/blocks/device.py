"""The device and its manufacturer, as device.yaml states them."""

from __future__ import annotations

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.view import AuditView

FACTS = (
    ("manufacturer", "Manufacturer"),
    ("name", "Device"),
    ("version", "Version"),
    ("address", "Address of the manufacturer"),
    ("contact", "Contact"),
    ("authorised_representative", "Authorised representative in the Union"),
    ("udi_di", "UDI-DI"),
    ("risk_class", "Class and rule under Regulation (EU) 2017/745"),
    ("notified_body", "Notified body, procedure, certificate"),
    ("product_code", "Product code (FDA)"),
    ("regulation", "Classification regulation (21 CFR)"),
    ("intended_users", "Intended users"),
    ("intended_population", "Intended population"),
    ("target_countries", "Countries"),
)


class DeviceParameters(Parameters):
    """``market``: of the document, which ``resolve`` gives; a document of both prints what the device's markets ask."""

    market: str = "both"


def _build(view: AuditView, given: DeviceParameters) -> tuple[Node, ...]:
    if view.device is None:
        return nothing(
            "No device facts were supplied (device.yaml): manufacturer, users and population are not stated."
        )
    rows = []
    for name, label in FACTS:
        if name in elsewhere(view, given.market):
            continue
        value = getattr(view.device, name)
        words = ", ".join(value) if isinstance(value, tuple) else str(value or "")
        rows.append(Row((text(label), text(words) if words else text("not stated in device.yaml", "quiet"))))
    return (Table("Device, as declared", (Column("Fact", 1.2), Column("As stated", 3)), tuple(rows)),)


def elsewhere(view: AuditView, market: str) -> set[str]:
    """Facts that only a market asks for in which the device is not sold, or for which the document is not."""
    of_market = {
        "eu": {"authorised_representative", "risk_class", "notified_body"},
        "us": {"regulation", "product_code"},
    }
    asking = set(view.markets) & ({market} if market in of_market else set(of_market))
    return {name for other, names in of_market.items() if other not in asking for name in names}


ENTRY = Block("device", DeviceParameters, _build)
