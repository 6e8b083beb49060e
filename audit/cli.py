"""The command ``audit``. Exit code 0: done and in order; 1: criteria not met or verification failed; 2: bad input."""

from __future__ import annotations

import getpass
import json
import os
import sys
import warnings
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from audit.evidence.keys import SigningKey
from audit.records import BadInput, Finding

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False
)

Home = Annotated[Path, typer.Option("--home", help="Evidence folder: MLflow database, artifacts and ledgers.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines instead of text.")]
Who = Annotated[str, typer.Option("--who", help="Who locks or runs; stands in the register.")]
Role = Annotated[str, typer.Option("--role", help="'assessment' shows single cases of sequestered sets; recorded.")]
AuditId = Annotated[str | None, typer.Argument(help="Audit id; default: the latest audit in the home.")]
KeyPath = Annotated[
    Path | None,
    typer.Option("--key", help="Private key (made by `audit key new`) that signs each statement of the audit."),
]
PlanPath = Annotated[Path, typer.Argument(help="The statistical analysis plan (YAML).")]
EVIDENCE = Path("evidence")


def now() -> str:
    """The time of this command, UTC, ISO 8601; the only clock of the suite."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user() -> str:
    """The account that runs the command."""
    return getpass.getuser()


def opened(key: Path | None) -> SigningKey | None:
    """The private key; its passphrase comes from AUDIT_KEY_PASSPHRASE or is asked for at the terminal."""
    from audit.evidence.keys import needs_passphrase, open_key

    if key is None:
        return None
    return open_key(key, _passphrase(f"Passphrase of {key}: ") if needs_passphrase(key) else None)


def _passphrase(prompt: str) -> str | None:
    known = os.environ.get("AUDIT_KEY_PASSPHRASE")
    if known is None and sys.stdin.isatty():
        known = getpass.getpass(prompt)
    return known or None


def answer(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Prints the result once: JSON for machines, text for people."""
    if as_json:
        print(json.dumps(result, indent=2, allow_nan=False, default=str))
    else:
        Console(highlight=False, soft_wrap=True).print(text, markup=False)


def shown_verdict(finding: Finding) -> str:
    """The verdict as printed: a descriptive endpoint has none."""
    return "descriptive" if finding.role == "descriptive" else finding.verdict


class Reporter:
    """A progress bar with rate and time left on standard error; silent for machines."""

    def __init__(self, quiet: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=quiet,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tasks:
            self._progress.stop()
        if isinstance(error, KeyboardInterrupt):
            print("audit: interrupted; the same command goes on where it stopped.", file=sys.stderr)

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._progress.start()
            self._tasks[what] = self._progress.add_task(what, total=total, rate="")
        task = self._progress.tasks[self._tasks[what]]
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        self._progress.update(self._tasks[what], completed=done, total=total, rate=rate)


@app.callback()
def about() -> None:
    """Validates and explains a frozen medical-imaging model for regulators.

    A plan (YAML) says what is claimed and how it is tested. **Lock** it before results exist, **run** it once over the
    validation set, print the **dossier**, and let anybody **verify** every number.

    Start with `audit demo`. Evidence goes to the MLflow home given with `--home` (default: `evidence/`).
    """


@app.command()
def demo(
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Runs the whole walk on the embedded simulated example: register, lock, run, dossier, verify."""
    from audit.demo import run_demo

    with Reporter(as_json) as report:
        done = run_demo(home, user(), now, report)
    documents = [str(path) for path in done.documents]
    checked = "verified" if not done.differences else f"NOT verified: {done.differences[0].thing} differs"
    lines = [
        f"Audit {done.store.audit_id} ({done.store.mode}) is complete and {checked}.",
        f"{done.sentence} SIMULATED DATA: the numbers describe no real device.",
        'Next: audit ask "manufacturer=Cedar Systems" · audit verify · '
        f"mlflow ui --backend-store-uri sqlite:///{home}/mlflow.db",
        "The dossiers:",
        *(f"  {path}" for path in documents),
    ]
    result = {"audit": done.store.audit_id, "documents": documents, "verdict": done.verdict}
    answer(result | {"differences": len(done.differences)}, as_json, "\n".join(lines))
    raise typer.Exit(1 if done.differences else 0)


@app.command("intake")
def intake_command(
    source: Annotated[Path, typer.Argument(metavar="FOLDER|CSV|ZIP", help="What the hospital has.")],
    out: Annotated[Path, typer.Option(help="Folder of the validation set to write; its key lies beside it.")],
    table: Annotated[
        Path | None, typer.Option(help="Table of patients, attributes and references of the images.")
    ] = None,
    reference: Annotated[list[str] | None, typer.Option(help="Column of the table that is a reference.")] = None,
    mask: Annotated[
        list[str] | None, typer.Option(help="Reference masks: NAME=PATTERN, for example lesion=masks/{stem}.nii.gz.")
    ] = None,
    boxes: Annotated[
        list[Path] | None, typer.Option(help="Reference boxes: COCO JSON, or a CSV with x, y, w, h.")
    ] = None,
    training: Annotated[list[Path] | None, typer.Option(help="Manifest or set of the training data.")] = None,
    patient: Annotated[str | None, typer.Option(help="Patient from the path: expression with one group.")] = None,
    key: Annotated[
        Path | None, typer.Option(help="Key of the pseudonyms; the same for sets that are compared.")
    ] = None,
    slices: Annotated[bool, typer.Option("--slices", help="Each slice stays a case; no volumes are made.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one for each processor.")] = None,
    as_json: AsJson = False,
) -> None:
    """Makes a validation set of whatever a hospital has: manifest, set.yaml to correct, report of concerns.

    DICOM, NIfTI, PNG, JPEG, TIFF; series become volumes by geometry; references from a table, masks, SEG, RTSTRUCT or
    boxes. Files that cannot be read are refused by name, the rest goes on; an interrupted intake goes on where it
    stopped. Exit code 1 where training data was found in the set.
    """
    from audit.intake.taking_in import take_in
    from audit.intake.work import Options, processors
    from audit.intake.writing import write

    options = Options(
        table=table,
        masks=tuple(mask or ()),
        boxes=tuple(boxes or ()),
        training=tuple(training or ()),
        references=tuple(reference or ()),
        patient=patient,
        key=key,
        slices=slices,
        workers=workers or processors(),
    )
    with Reporter(as_json) as report:
        written = write(take_in(source, out, options, report))
    answer(written.report, as_json, written.text)
    raise typer.Exit(1 if any(c["severity"] == "stop" for c in written.report["concerns"]) else 0)


@app.command("register")
def register_command(
    plan: PlanPath,
    source: Annotated[Path | None, typer.Argument(help="The version's file, or the folder of its files.")] = None,
    comparator: Annotated[bool, typer.Option(help="It is the plan's comparator, not its candidate.")] = False,
    card: Annotated[Path | None, typer.Option(help="version.yaml: preprocessing, outputs, tolerance.")] = None,
    golden: Annotated[Path | None, typer.Option(help="Golden pair (.npz): images and the outputs they give.")] = None,
    example: Annotated[list[Path] | None, typer.Option(help="Image whose outputs are taken now; repeatable.")] = None,
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Registers the version that PLAN names: ONNX, TorchScript, MONAI bundle, pickle by digest, or a command.

    Its files are stored and digested, with golden images that it must answer alike whenever it is opened.
    """
    from audit.registration import register_for_plan

    role = "comparator" if comparator else "candidate"
    made = register_for_plan(plan, role, source, card, golden, example or [], home)
    text = f"Registered {made.label} ({made.kind}), outputs {', '.join(made.outputs)}. Next: audit lock {plan}"
    answer({"model": made.name, "version": made.version, "files": dict(made.digests)}, as_json, text)


@app.command("lock")
def lock_command(
    plan: PlanPath,
    home: Home = EVIDENCE,
    who: Who = "",
    amends: Annotated[str | None, typer.Option(help="Audit id whose plan this one amends.")] = None,
    reason: Annotated[str, typer.Option(help="Why the plan is amended.")] = "",
    results_known: Annotated[bool, typer.Option(help="Whether results were known when it was amended.")] = False,
    key: KeyPath = None,
    as_json: AsJson = False,
) -> None:
    """Freezes PLAN before results exist: digests of the plan, the validation set and the model's files.

    A plan that is not locked can still be run; its audit is *exploratory* and each document says so on page one. With
    `--amends AUDIT --reason "..."` both versions of the plan and the reason are kept.
    """
    from audit.run import amend_plan, lock_plan

    if amends:
        store = amend_plan(plan, home, amends, reason, results_known, who or user(), now(), opened(key))
    else:
        store = lock_plan(plan, home, who or user(), now(), opened(key))
    text = f"Locked as audit {store.audit_id} ({store.mode}). Next: audit run {plan}"
    answer({"audit": store.audit_id, "mode": store.mode}, as_json, text)


@app.command()
def run(
    plan: PlanPath,
    home: Home = EVIDENCE,
    who: Who = "",
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: cuda where there is one.")] = "auto",
    key: KeyPath = None,
    as_json: AsJson = False,
) -> None:
    """Runs PLAN: one pass over the validation set, estimates, explanations, verdicts. Goes on where it was interrupted.

    Exit code 1 when the plan's success rule is not met.
    """
    from audit.run import chosen_device, run_plan
    from audit.view import verdict_of

    with Reporter(as_json) as report:
        signing = opened(key)
        store = run_plan(plan, home, who or user(), now(), now, chosen_device(device), report, signing)
    verdict, sentence, findings = verdict_of(store)
    lines = [
        f"{shown_verdict(finding):>12}  {finding.endpoint}: {finding.title}; {finding.reason}" for finding in findings
    ]
    text = "\n".join([f"Audit {store.audit_id} ({store.mode}): {sentence}", *lines, "Next: audit dossier"])
    result = {"audit": store.audit_id, "mode": store.mode, "verdict": verdict, "sentence": sentence}
    answer(result | {"findings": [asdict(finding) for finding in findings]}, as_json, text)
    raise typer.Exit(0 if verdict == "met" else 1)


@app.command()
def dossier(
    audit: AuditId = None,
    home: Home = EVIDENCE,
    device: Annotated[
        Path | None, typer.Option(help="Declared device facts (device.yaml); kept outside the lock.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also copy the documents into this folder.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Build only this document (its id; may be repeated).")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the documents that can be built.")] = False,
    key: KeyPath = None,
    role: Role = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Builds the EU AI Act and FDA documents of AUDIT (PDF, Word, JSON), gaps first, every number bound to evidence."""
    from audit.evidence.store import open_audit
    from audit.view import chosen_templates, copy_documents, make_documents, offered_documents

    if list_:
        offered = offered_documents()
        answer({"documents": offered}, as_json, "\n".join(f"{name:<28} {title}" for name, title in offered.items()))
        return
    store, chosen = open_audit(home, audit, key=opened(key)), chosen_templates(only or [])
    built = make_documents(store, now(), device, chosen, role, who or user())
    paths = copy_documents(built, out) if out else [path for _, path in built]
    text = "\n".join(str(path) for path in paths)
    answer({"documents": [str(path) for path in paths]}, as_json, text)


@app.command("init")
def init_command(
    audit: AuditId = None,
    home: Home = EVIDENCE,
    out: Annotated[Path, typer.Option(help="The file to write; nothing is overwritten.")] = Path("device.yaml"),
    as_json: AsJson = False,
) -> None:
    """Writes a commented device.yaml with exactly the declared facts that the documents of AUDIT still lack."""
    from audit.declaring import write_device_file
    from audit.evidence.store import open_audit

    asked = write_device_file(open_audit(home, audit), out, now())
    text = f"{out}: {asked} facts to declare. Fill it in, then: audit dossier --device {out}"
    answer({"file": str(out), "asked": asked}, as_json, text)


@app.command("verify")
def verify_command(
    what: Annotated[str | None, typer.Argument(metavar="[AUDIT|FILE]", help="Default: the latest audit.")] = None,
    home: Home = EVIDENCE,
    anchor: Annotated[
        str | None,
        typer.Option(help="What you hold against a rebuilt forgery: a ledger root, a key's fingerprint, a public key."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recomputes every estimate from stored predictions, checks every digest, and names exactly what differs.

    FILE: a delivered document; says whether it is, byte for byte, the one an audit of this home delivered.
    Exit code 1 when anything differs.
    """
    from audit.checking import verify_anything

    checked = verify_anything(what, home, anchor)
    answer(checked.as_dict(), as_json, checked.as_text())
    raise typer.Exit(1 if checked.differences else 0)


@app.command("lineage")
def lineage_command(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[AUDIT|FILE|VALUE]", help="VALUE: an estimate's key, or an address as printed."),
    ] = None,
    audit: Annotated[str | None, typer.Option(help="Audit id that VALUE belongs to; default: the latest.")] = None,
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Where does it come from? Prints the path behind a number, a delivered file or an audit as a tree.

    Down to the shards of the pass, plan, validation set, model files, training run, training data and code.
    """
    from audit.tracing import lineage

    found = lineage(what, home, audit)
    answer(found.as_dict(), as_json, found.as_text())


@app.command("ask")
def ask_command(
    conditions: Annotated[list[str] | None, typer.Argument(metavar="[ATTRIBUTE=LEVEL]...")] = None,
    audit: Annotated[str | None, typer.Option(help="Audit id; default: the latest.")] = None,
    home: Home = EVIDENCE,
    role: Role = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """How does it do on ...? Estimates, intervals and counts of one group, with its pictures.

    For example `audit ask sex=F "age_band=≥60" "manufacturer=Cedar Systems"`. Post hoc and descriptive: no verdict.
    """
    from audit.asking import ask
    from audit.evidence.store import open_audit

    found = ask(open_audit(home, audit), conditions or [], role, who or user(), now())
    answer(found.as_dict(), as_json, found.as_text())


@app.command("sample")
def sample_command(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool: a validation set with set.yaml and manifest.")],
    targets: Annotated[Path, typer.Argument(help="What to draw (YAML): seed, strata, patients per cell.")],
    out: Annotated[Path, typer.Option(help="Folder of the new set; must not exist.")],
    copy: Annotated[bool, typer.Option(help="Copy the images; otherwise they stay where the pool has them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draws a validation set from a pool to the numbers in TARGETS, by patient, seeded and recorded.

    Exit code 1 when a cell falls short of its number.
    """
    from audit.sample import sample

    made = sample(pool, targets, out, copy)
    cells = [
        {"where": each.cell.where, "wanted": each.cell.patients, "drawn": each.drawn, "shortfall": each.shortfall}
        for each in made.cells
    ]
    result = {"folder": str(made.folder), "sha256": made.sha256, "patients": made.n_patients, "cases": made.n_cases}
    answer(result | {"cells": cells}, as_json, made.as_text())
    raise typer.Exit(1 if made.short else 0)


@app.command("list")
def list_command(
    home: Home = EVIDENCE,
    cases: Annotated[bool, typer.Option("--cases", help="How often each case has been used and shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists every lock, amendment, run and showing of cases on each validation set, aborted runs too."""
    from audit.evidence.register import accesses
    from audit.evidence.uses import case_uses

    frame = case_uses(home) if cases else accesses(home)
    wanted = ["validation_set", "case_id", "uses", "shown", "last_at", "last_plan", "last_who"]
    shown = frame[wanted if cases else ["at", "event", "audit", "validation_set", "who", "note"]].astype("string")
    text = shown.fillna("").to_string(index=False) if len(shown) else f"no lock and no run in {home}"
    rows = json.loads(frame.to_json(orient="records"))
    answer({"cases" if cases else "accesses": rows}, as_json, text)


keys = typer.Typer(no_args_is_help=True, help="Keys that sign the statements of an audit (Ed25519).")
app.add_typer(keys, name="key")


@keys.command("new")
def key_new(
    file: Annotated[Path, typer.Argument(help="Where the private key goes; the public half lands in FILE.pub.")],
    no_passphrase: Annotated[bool, typer.Option(help="Leave the private key unencrypted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Makes a key pair. The private key is encrypted by a passphrase (asked for, or AUDIT_KEY_PASSPHRASE)."""
    from audit.evidence.keys import make_key

    passphrase = None if no_passphrase else _passphrase(f"New passphrase of {file} (12 characters or more): ")
    if passphrase is None and not no_passphrase:
        raise BadInput("no passphrase: set AUDIT_KEY_PASSPHRASE, run at a terminal, or say --no-passphrase.")
    made = make_key(file, passphrase)
    text = (
        f"Private key: {file} (readable by you alone). Keep it outside the evidence folder, with a copy in a safe "
        f"place; without it a signed audit cannot go on.\nPublic key:  {file}.pub\nFingerprint: {made.fingerprint}\n"
        "Tell the fingerprint to whoever will verify, by another way than with the evidence."
    )
    result = {"private_key": str(file), "public_key": f"{file}.pub", "fingerprint": made.fingerprint}
    answer(result, as_json, text)


@keys.command("show")
def key_show(
    file: Annotated[Path, typer.Argument(help="A public key (PEM).")],
    as_json: AsJson = False,
) -> None:
    """Prints the fingerprint of a public key."""
    from audit.evidence.keys import read_public

    fingerprint = read_public(file).keyid
    answer({"public_key": str(file), "fingerprint": fingerprint}, as_json, fingerprint)


@app.command("power")
def power_command(
    measure: Annotated[str | None, typer.Option(help="sensitivity, specificity, auroc or dice.")] = None,
    expected: Annotated[float | None, typer.Option(help="The value you expect of the measure.")] = None,
    half_width: Annotated[float | None, typer.Option(help="Aim: half-width of the interval.")] = None,
    minimum: Annotated[float | None, typer.Option(help="Aim: the lower limit reaches this value.")] = None,
    margin: Annotated[float | None, typer.Option(help="Aim: non-inferior by this margin; 0: superior.")] = None,
    power: Annotated[float, typer.Option(help="Chance to meet the criterion if the assumptions hold.")] = 0.8,
    prevalence: Annotated[float | None, typer.Option(help="Share of reference-positive patients.")] = None,
    images_per_patient: Annotated[float, typer.Option(help="Images of the class in question per patient.")] = 1.0,
    icc: Annotated[float | None, typer.Option(help="Intraclass correlation between images of a patient.")] = None,
    strata: Annotated[int, typer.Option(help="Number of strata that answer for themselves.")] = 1,
    together: Annotated[bool, typer.Option(help="The power is that of all strata meeting the criterion.")] = False,
    sd: Annotated[float | None, typer.Option(help="Dice: standard deviation between cases.")] = None,
    discordant: Annotated[float | None, typer.Option(help="Share of cases on which the versions disagree.")] = None,
    difference: Annotated[float, typer.Option(help="True difference, candidate minus comparator.")] = 0.0,
    confidence: Annotated[float, typer.Option(help="Two-sided confidence; a plan brings its own.")] = 0.95,
    plan: Annotated[Path | None, typer.Option(help="What can a set show for the endpoints of this plan?")] = None,
    set_: Annotated[
        str | None, typer.Option("--set", help="With --plan: a set in the place of the plan's own.")
    ] = None,
    assume: Annotated[list[str] | None, typer.Option(help="With --plan: true value, ENDPOINT=VALUE.")] = None,
    as_json: AsJson = False,
) -> None:
    """How many cases does a claim need, or what can a given set show? No result is read.

    `audit power --measure sensitivity --expected 0.93 --minimum 0.85 --prevalence 0.2 --strata 4`, or
    `audit power --plan plan.yaml --set FOLDER --assume P1=0.97 --assume sensitivity=0.93 --sd 0.2`.
    """
    from audit.power import Design, Expected, aim_of, needed
    from audit.power_text import need_as_dict, need_as_text, shown_as_dict, shown_as_text
    from audit.set_power import Assumed, read_assumptions, what_set_shows

    if plan is not None:
        if (measure, expected, half_width, minimum, margin) != (None,) * 5:
            raise BadInput("--plan brings its own measures and criteria; leave --measure, --expected and the aim out.")
        assumed = Assumed(read_assumptions(assume or []), power, icc, sd, discordant, difference)
        rows = what_set_shows(plan, set_, assumed)
        answer(shown_as_dict(rows, assumed), as_json, shown_as_text(rows, assumed))
        return
    if set_ is not None or assume:
        raise BadInput("--set and --assume need a plan; give --plan plan.yaml.")
    if measure is None or expected is None:
        raise BadInput("give --measure and --expected with one aim (--half-width, --minimum or --margin), or --plan.")
    asked = Expected(measure, expected, sd)
    aim = aim_of(half_width, minimum, margin, power, discordant, difference)
    design = Design(prevalence, images_per_patient, icc, strata, confidence, together)
    need = needed(asked, aim, design)
    answer(need_as_dict(need, asked, aim, design), as_json, need_as_text(need, asked, aim, design))


def main() -> None:
    """Entry point of the command: bad input is one sentence on standard error and exit code 2."""
    warnings.simplefilter("ignore", FutureWarning)  # of libraries about each other: nothing the reader can act upon
    try:
        app()
    except BadInput as error:
        print(f"audit: {error}", file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"error": str(error)}))
        sys.exit(2)
