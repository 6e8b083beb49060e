"""One audit = one MLflow run: its folder, its ledger, its tags.

A file is put in place whole before its statement is appended; a file without a statement is an interrupted write
and is written again. MLflow's tag ``audit.head`` holds the ledger's last line but shards': the anchor against lines cut
off the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from audit.evidence import mirror
from audit.evidence.bundled import bundle_of
from audit.evidence.files import inside, write_whole
from audit.evidence.keys import SigningKey, publish
from audit.evidence.ledger import Ledger
from audit.evidence.packages import KEY as PACKAGES_KEY
from audit.evidence.packages import KIND as PACKAGES
from audit.evidence.packages import packages_digest, packages_file, packages_json
from audit.evidence.parquet import table_bytes, table_from
from audit.evidence.producer import producer as current_producer
from audit.evidence.statements import ERASED, PERSONAL, sha256
from audit.home import AUDITS, FOLDERS, exists, experiment, only_one, open_home
from audit.plan import StoredPlan
from audit.records import BadInput, Statement
from audit.tables import Table

State = Literal["locked", "running", "complete", "aborted"]
Mode = Literal["confirmatory", "exploratory"]
LEDGER = "ledger.jsonl"
REGISTER = "register.jsonl"
RUN_STATUS = {"locked": "SCHEDULED", "running": "RUNNING", "complete": "FINISHED", "aborted": "KILLED"}


def utc_now() -> str:
    """The time as statements hold it: UTC, ISO 8601, microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """One audit as MLflow lists it."""

    audit_id: str
    run_id: str
    plan_id: str
    plan_sha256: str
    state: str
    mode: str
    reason: str
    created: str
    deleted: bool


@dataclass(frozen=True)
class AuditStore:
    """Reads and writes the evidence of one audit.

    ``producer`` and ``clock`` go into every statement, ``key`` signs it.
    """

    home: Path
    audit_id: str
    run_id: str
    producer: Mapping[str, Any] = field(default_factory=current_producer, repr=False)
    clock: Callable[[], str] = field(default=utc_now, repr=False)
    key: SigningKey | None = field(default=None, repr=False)
    listed: set[str] = field(default_factory=set, repr=False, compare=False)
    """Lists of packages (digests) that are known to stand in the evidence."""

    @property
    def folder(self) -> Path:
        """The run's artifact folder."""
        return self.home / "artifacts" / FOLDERS[AUDITS] / self.run_id / "artifacts"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / LEDGER, self.audit_id, self.key.signer if self.key else None)

    def put_bytes(
        self,
        kind: str,
        relative: str,
        data: bytes,
        inputs: Iterable[Statement | str] = (),
        body: Mapping[str, Any] | None = None,
    ) -> Statement:
        """Stores ``data`` at ``relative`` and states it. The same path again: the later statement counts."""
        return self.put_files(kind, {relative: data}, inputs, body)

    def put_files(
        self,
        kind: str,
        files: Mapping[str, bytes],
        inputs: Iterable[Statement | str] = (),
        body: Mapping[str, Any] | None = None,
        others: Mapping[str, str] | None = None,
    ) -> Statement:
        """Stores several files under one statement; ``others`` are kept elsewhere, 'scheme:name' -> SHA-256."""
        for relative, data in files.items():
            write_whole(inside(self.folder, relative), data, self.home / ".unfinished")
        subjects = {relative: sha256(data) for relative, data in files.items()} | dict(others or {})
        statement = self.state_that(kind, subjects, inputs, body)
        if mirror.is_mirrored(self.home, self.run_id):
            mirror.put(self.home, self.run_id, self.folder, list(files))
        return statement

    def state_that(
        self,
        kind: str,
        subjects: Mapping[str, str],
        inputs: Iterable[Statement | str] = (),
        body: Mapping[str, Any] | None = None,
    ) -> Statement:
        """Appends a statement about ``subjects`` (name -> SHA-256) that are in place already."""
        if self.key:
            publish(self.home, self.key)
        if kind not in PERSONAL:
            self._list_packages()
        ids = [one if isinstance(one, str) else one.id for one in inputs]
        statement = self.ledger.append(kind, subjects, ids, body or {}, self.producer, self.clock)
        if kind != "shard":
            self.anchor()
        return statement

    def _list_packages(self) -> None:
        """States the packages that the producer names by digest, before the first statement that needs them."""
        digest = self.producer.get(PACKAGES_KEY)
        if digest != packages_digest() or digest in self.listed:
            return
        self.listed.add(digest)
        name = packages_file(digest)
        if not self.has(name):
            self.put_bytes(PACKAGES, name, packages_json())

    def put_table(
        self,
        table: Table,
        frame: pd.DataFrame,
        inputs: Iterable[Statement | str] = (),
        body: Mapping[str, Any] | None = None,
    ) -> Statement:
        """Stores ``frame`` as ``tables/<name>.parquet``, statement kind = table name. Same frame, same bytes."""
        facts = {"table": table.name, "rows": len(frame), **(body or {})}
        return self.put_bytes(table.name, table_path(table), table_bytes(table, frame), inputs, facts)

    def read_table(self, table: Table, relative: str | None = None) -> pd.DataFrame:
        """The stored table (or the one at ``relative``, for example a shard), with nullable declared types."""
        place = relative or table_path(table)
        return table_from(table, self.read_bytes(place), f"{self.audit_id}: {place}")

    def read_bytes(self, relative: str) -> bytes:
        """The stored bytes; raises ``BadInput`` where the audit has no such file."""
        path = inside(self.folder, relative)
        if not path.is_file():
            raise BadInput(f"audit {self.audit_id} has no {relative}; run 'audit run PLAN' to the end first.")
        return path.read_bytes()

    def has(self, relative: str) -> bool:
        """Whether the file is there and stated: what a resumed run may skip. For many files ask ``subjects`` once."""
        return inside(self.folder, relative).is_file() and relative in self.subjects()

    def statements(self, kind: str | None = None) -> list[Statement]:
        """Statements of ``kind`` (or all) in the order they were written, superseded ones included."""
        return [one for one in self.ledger.read() if kind is None or one.kind == kind]

    def latest(self, kind: str) -> Statement | None:
        """The last statement of ``kind``."""
        found = self.statements(kind)
        return found[-1] if found else None

    def subjects(self) -> dict[str, Statement]:
        """Subject name -> the statement that counts for it (the last one); without files that were erased whole."""
        found: dict[str, Statement] = {}
        for statement in self.ledger.read():
            if statement.kind == ERASED:
                for name in statement.body.get("removed", ()):
                    found.pop(name, None)
            found |= dict.fromkeys(statement.subjects, statement)
        return found

    def tags(self) -> dict[str, str]:
        """The run's MLflow tags that begin with 'audit.'; none where the run was removed from MLflow."""
        run = mlflow_run(self.home, self.run_id)
        return {key: value for key, value in run.data.tags.items() if key.startswith("audit.")} if run else {}

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Sets MLflow tags of the run."""
        client = open_home(self.home)
        for key, value in tags.items():
            client.set_tag(self.run_id, key, value)

    def set_state(self, state: State) -> None:
        """Sets tag ``audit.state`` and MLflow's run status."""
        client = open_home(self.home)
        client.set_tag(self.run_id, "audit.state", state)
        if state in ("complete", "aborted"):
            client.set_terminated(self.run_id, status=RUN_STATUS[state])
        else:
            client.update_run(self.run_id, status=RUN_STATUS[state])

    def anchor(self) -> None:
        """Records the ledger's head in MLflow, so that lines cut off the end are noticed."""
        head = self.ledger.head()
        if head:
            self.set_tags({"audit.head": f"{head.seq}:{head.digest}"})
            if mirror.is_mirrored(self.home, self.run_id):
                mirror.put(self.home, self.run_id, self.folder, [LEDGER])

    @property
    def state(self) -> str:
        return self.tags().get("audit.state", "")

    @property
    def mode(self) -> str:
        return self.tags().get("audit.mode", "")


def mlflow_run(home: Path, run_id: str) -> Any:
    """MLflow's run, or None where it was removed."""
    client = open_home(home)
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id)
    except MlflowException:
        return None


def table_path(table: Table) -> str:
    """Where a table lies inside the audit folder."""
    return f"tables/{table.name}.parquet"


def new_audit_id(plan: StoredPlan, created: str) -> str:
    """'<plan id>-<yyyymmdd>-<six hex digits>', from the arguments alone."""
    day = created[:10].replace("-", "")
    return f"{plan.plan.id}-{day}-{sha256(f'{plan.sha256} {created}'.encode())[:6]}"


def create_audit(
    home: Path,
    plan: StoredPlan,
    created: str,
    mode: Mode,
    reason: str,
    state: State = "running",
    producer: Mapping[str, Any] | None = None,
    clock: Callable[[], str] = utc_now,
    key: SigningKey | None = None,
) -> AuditStore:
    """A new audit of ``plan``, begun at ``created`` (UTC, ISO 8601); ``reason`` says in one sentence why ``mode``."""
    client = open_home(home)
    audit_id = new_audit_id(plan, created)
    tags = {
        "audit.id": audit_id,
        "audit.plan": plan.plan.id,
        "audit.plan_sha256": plan.sha256,
        "audit.state": state,
        "audit.mode": mode,
        "audit.mode_reason": reason,
        "audit.created": created,
        "mlflow.note.content": f"Audit of {plan.plan.title}; plan {plan.plan.id}, {mode}: {reason}",
    }
    place = experiment(home, AUDITS).experiment_id
    with only_one(home):
        if any(one.audit_id == audit_id for one in _listed(client, place)):
            raise BadInput(f"audit {audit_id} exists already in {home}; give another time of creation.")
        run = client.create_run(place, run_name=audit_id, tags=tags)
    client.update_run(run.info.run_id, status=RUN_STATUS[state])
    facts = current_producer() if producer is None else producer
    store = AuditStore(home.resolve(), audit_id, run.info.run_id, facts, clock, key)
    store.folder.mkdir(parents=True, exist_ok=True)
    return store


def open_audit(
    home: Path,
    audit_id: str | None = None,
    producer: Mapping[str, Any] | None = None,
    clock: Callable[[], str] = utc_now,
    key: SigningKey | None = None,
) -> AuditStore:
    """The audit called ``audit_id`` (a unique beginning will do), or the latest; ``BadInput`` where there is none."""
    bundle = bundle_of(home)
    if bundle and audit_id is None:
        audit_id = bundle.audit_id
    audits = list_audits(home)
    if not audits:
        raise BadInput(f'no audit in {home}/: run "audit run PLAN" first.')
    fitting = [one for one in audits if audit_id is None or one.audit_id.startswith(audit_id)]
    exact = [one for one in fitting if one.audit_id == audit_id]
    if audit_id is not None and not exact and len(fitting) != 1:
        known = ", ".join(one.audit_id for one in audits[-5:])
        many = "several audits begin so" if fitting else "no such audit"
        raise BadInput(f"audit '{audit_id}': {many} in {home}/; the latest are {known}.")
    chosen = (exact or fitting)[-1]
    facts = current_producer() if producer is None else producer
    return AuditStore(home.resolve(), chosen.audit_id, chosen.run_id, facts, clock, key)


def list_audits(home: Path) -> list[AuditSummary]:
    """Every audit of the home, oldest first; none where no home stands.

    Deleted MLflow runs are listed, and so are audits that only the register still knows (state 'removed').
    """
    if not exists(home):
        if (home / REGISTER).is_file():
            raise BadInput(
                f"{home}: MLflow's database (mlflow.db) is gone, and the register knows audits; put it back."
            )
        return []
    from mlflow.exceptions import MlflowException

    try:
        listed = _listed(open_home(home), experiment(home, AUDITS).experiment_id)
    except MlflowException as error:
        raise BadInput(
            f"{home}: MLflow cannot list its runs ({' '.join(str(error).split())[:160]}): its database was edited or "
            "damaged; put a copy from before in its place."
        ) from error
    removed = _only_registered(home, {one.audit_id for one in listed})
    return sorted([*removed, *listed], key=lambda one: (one.created, one.audit_id))


def _only_registered(home: Path, known: set[str]) -> list[AuditSummary]:
    found: dict[str, AuditSummary] = {}
    for line in Ledger(home.resolve() / REGISTER).lines():
        run_id = str(line.read.statement.body.get("run_id", "")) if line.read else ""
        if line.read and run_id and line.read.audit not in known:
            one, audit = line.read.statement, line.read.audit
            plan = (str(one.body["plan"]), one.subjects["plan:sha256"])
            found.setdefault(run_id, AuditSummary(audit, run_id, *plan, "removed", "", "", one.created, True))
    return list(found.values())


def _listed(client: Any, in_experiment: str) -> list[AuditSummary]:
    from mlflow.entities import ViewType

    found: list[AuditSummary] = []
    token: str | None = None
    while True:
        page = client.search_runs([in_experiment], "", ViewType.ALL, 1000, page_token=token)
        found += [_summary(run) for run in page if "audit.id" in run.data.tags]
        token = page.token
        if not token:
            return sorted(found, key=lambda one: (one.created, one.audit_id))


def _summary(run: Any) -> AuditSummary:
    tags = run.data.tags
    return AuditSummary(
        audit_id=tags["audit.id"],
        run_id=run.info.run_id,
        plan_id=tags.get("audit.plan", ""),
        plan_sha256=tags.get("audit.plan_sha256", ""),
        state=tags.get("audit.state", ""),
        mode=tags.get("audit.mode", ""),
        reason=tags.get("audit.mode_reason", ""),
        created=tags.get("audit.created", ""),
        deleted=run.info.lifecycle_stage == "deleted",
    )
