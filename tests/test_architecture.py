"""The arrows of docs/architecture.md: which module may import which, held in one place."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "audit"
BASE = {
    "records", "grids", "tables", "plan", "explanation_plan", "plan_decisions",
    "decision_tables", "model_refs", "catalogue", "home", "home_record",
    "home_address", "datafolders", "places", "given_files",
}  # fmt: skip
# places: boxes and points, which validation sets (cases) and devices (models) write in the same formats
MAY_ALSO_USE = {
    "measures": {"statistics"},
    "estimates": {"statistics", "measures", "fairness"},
    "explanation_estimates": {"statistics", "measures", "estimates"},  # they are estimates, made of other tables
    "curves": {"statistics", "measures"},
    "fairness": {"statistics", "measures"},
    "findings": {"measures"},
    "analyses": {"statistics", "measures"},
    "tasks": {"statistics"},  # what one case yields from two masks is computed where it is checked
    "explanations": {"statistics"},
    "intake": {"cases", "attributes"},  # cases read files, attributes code levels; intake makes a set of both
}
OUTSIDE = {
    "torch": {"models", "engines", "explanations", "simulation"},
    "captum": {"explanations"},
    "shap": {"explanations"},
    "monai": {"simulation", "statistics", "models"},  # models: bundles and their preprocessing are MONAI's own
    "mlflow": {"models", "evidence", "home", "home_record"},
    "reportlab": {"dossier"},
    "pyhanko": {"dossier"},
    "onnxruntime": {"models"},
    "pydicom": {"cases", "simulation"},
    "nibabel": {"cases"},
    "fairlearn": {"fairness"},
}
# the modules that know the order, and the command
TOP = {
    "run", "deciding", "drawn_cases", "tabulating", "stating", "sequestering", "planning", "documents", "verifying",
    "sharing", "demo", "commands", "cli",
}  # fmt: skip
# of these, which may not know which: a walk does not know its uses, a document not who checks it
BELOW = {
    "run": {"planning", "documents", "verifying", "sharing", "demo", "commands", "cli"},
    "planning": {"run", "documents", "verifying", "sharing", "demo", "commands", "cli"},
    "documents": {"planning", "verifying", "sharing", "demo", "commands", "cli"},
    "verifying": {"planning", "sharing", "demo", "commands", "cli"},
    "sharing": {"planning", "demo", "commands", "cli"},
    "demo": {"commands", "cli"},
    "commands": {"cli"},
}


def modules() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py") if "_data" not in p.parts)


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; import from the defining module"
            found.add(str(node.module))
            if node.module == "audit":
                found |= {f"audit.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(path)
    if room in TOP:
        return
    allowed = {room} | BASE | MAY_ALSO_USE.get(room, set())
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "audit" and len(parts) > 1 and parts[1] != "__version__":
            assert parts[1] in allowed, f"{room} imports {name}"
            assert parts[1] not in TOP, f"{room} imports {name}"
        if parts[0] in OUTSIDE:
            assert room in OUTSIDE[parts[0]], f"{room} imports {name}; only {sorted(OUTSIDE[parts[0]])} may"


@pytest.mark.parametrize("room", BELOW)
def test_uses_of_a_walk_stand_in_order(room: str) -> None:
    for path in (one for one in modules() if room_of(one) == room):
        used = {name.split(".")[1] for name in imports(path) if name.startswith("audit.")}
        assert not used & BELOW[room], f"{path} imports {sorted(used & BELOW[room])}"


HEAVY = {"torch", "captum", "shap", "monai", "matplotlib", "onnxruntime"}


def loaded(name: str) -> set[str]:
    """Modules that importing ``name`` loads: of the package all, of others those that it names at the top."""
    found, open_ = set[str](), [name]
    while open_:
        here = open_.pop()
        path = PACKAGE.parent.joinpath(*here.split(".")).with_suffix(".py")
        if here in found or not path.is_file():
            found.add(here)
            continue
        found.add(here)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                open_ += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                open_ += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


@pytest.mark.parametrize("name", ["audit.documents.view", "audit.sharing.asking", "audit.verifying.checking"])
def test_tables_and_documents_load_no_network(name: str) -> None:
    """They need no model; what models need takes seconds and hundreds of MiB to load."""
    packages = {each.split(".")[0] for each in loaded(name)}
    assert {"pandas", "audit"} <= packages
    assert not packages & HEAVY


def test_base_modules_import_no_room() -> None:
    for name in BASE:
        path = PACKAGE / f"{name}.py"
        used = {part.split(".")[1] for part in imports(path) if part.startswith("audit.")}
        assert used <= BASE, f"{name} imports {sorted(used - BASE)}"


def test_packages_hold_only_a_docstring() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        if path.parent == PACKAGE:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert len(tree.body) == 1, f"{path}: an __init__ holds a docstring only"
        assert ast.get_docstring(tree), f"{path}: say what lives in the room"


def test_every_room_is_in_the_architecture_page() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    for entry in sorted(PACKAGE.iterdir()):
        if entry.name.startswith("_"):
            continue
        name = f"{entry.name}/" if entry.is_dir() else entry.name
        assert f"`{name}`" in page or entry.suffix not in ("", ".py"), f"{name} is missing from docs/architecture.md"
