"""MLflow's own records lead from the audit to the model version, its training run and every data set."""

import json

import pandas as pd
import pytest
from tiny_audit import Finished, make_plan, recompute

from audit.evidence.lineage import DatasetUse, log_lineage, log_results
from audit.evidence.pointers import log_pointers
from audit.evidence.verification import verify
from audit.home import TRAINING, open_home
from audit.plan import Plan, parse_plan
from audit.records import ModelVersion
from audit.tables import ESTIMATES

MODEL = ModelVersion(
    "device", "1", "recorded", "recorded:device/1", {"s.csv": "5" * 64}, ("o",), "run-7", "7" * 64, {}, {}
)


def plan_with_endpoints() -> Plan:
    text = make_plan().data.decode() + (
        "endpoints:\n"
        "  - {id: P1, role: primary, measure: mean, target: finding, criterion: {kind: minimum, value: 0.5}}\n"
        "  - {id: D1, role: descriptive, measure: auroc, target: finding}\n"
    )
    return parse_plan(text.encode(), "plan.yaml")


def test_datasets_carry_the_full_digest_and_training_data_too(finished: Finished) -> None:
    used = DatasetUse("four_cases", "a" * 64, facts={"cases": 4})
    log_lineage(finished.store, make_plan().plan, [used], {"candidate": MODEL})
    inputs = open_home(finished.home).get_run(finished.store.run_id).inputs.dataset_inputs
    shown = {one.dataset.name: (one.dataset.digest, {tag.key: tag.value for tag in one.tags}) for one in inputs}
    assert shown["four_cases"] == ("a" * 36, {"mlflow.data.context": "testing", "sha256": "a" * 64})
    assert shown["training set of device version 1"][1] == {"mlflow.data.context": "training", "sha256": "7" * 64}
    assert json.loads(inputs[0].dataset.profile)["sha256"] in ("a" * 64, "7" * 64)


def test_model_and_plan_are_shown_and_the_audit_still_verifies(finished: Finished) -> None:
    for _ in range(2):
        log_lineage(finished.store, make_plan().plan, [], {"candidate": MODEL})
    log_pointers(finished.store)
    run = open_home(finished.home).get_run(finished.store.run_id)
    assert run.data.tags["audit.candidate.name"] == "device"
    assert run.data.tags["audit.candidate.training_run"] == "run-7"
    assert json.loads(run.data.tags["audit.candidate.files"]) == {"s.csv": "5" * 64}
    assert run.data.params["plan.id"] == "tiny"
    estimates = finished.store.latest("estimates")
    assert estimates is not None
    assert run.data.tags["audit.statement.estimates"] == estimates.id[:12]
    assert verify(finished.store, recompute, finished.model_digests) == []


def test_a_pointer_to_nothing_is_named(finished: Finished) -> None:
    finished.store.set_tags({"audit.statement.estimates": "0" * 64})
    found = verify(finished.store, recompute, finished.model_digests)
    assert [one.thing for one in found] == ["MLflow tag audit.statement.estimates"]


def test_endpoints_are_metrics_and_undefined_ones_are_not(finished: Finished) -> None:
    estimates: pd.DataFrame = finished.store.read_table(ESTIMATES)
    for _ in range(2):
        log_results(finished.store, plan_with_endpoints(), estimates, {"P1": "e0", "D1": "e1"})
    client = open_home(finished.home)
    assert client.get_run(finished.store.run_id).data.metrics == {"P1": pytest.approx(0.525)}
    assert len(client.get_metric_history(finished.store.run_id, "P1")) == 1


def test_a_registered_version_is_linked_as_model_input(finished: Finished) -> None:
    client = open_home(finished.home)
    experiment = client.get_experiment_by_name(TRAINING).experiment_id
    logged = client.create_logged_model(experiment, name="device")
    client.create_registered_model("device")
    client.create_model_version("device", f"models:/{logged.model_id}", model_id=logged.model_id)
    registered = ModelVersion("device", "1", "mlflow", "models:/device/1", {}, ("o",))
    log_lineage(finished.store, make_plan().plan, [], {"candidate": registered})
    run = client.get_run(finished.store.run_id)
    assert [one.model_id for one in run.inputs.model_inputs] == [logged.model_id]
