import pytest

from audit.cases.concerns import concerns
from audit.cases.manifest import read_set
from audit.records import BadInput


def found(small, plan):
    return concerns(read_set(small.write()), plan)


def about(raised, words):
    hits = [c for c in raised if words in c.what]
    assert len(hits) == 1, [c.what for c in raised]
    return hits[0]


def clean(small):
    for i, row in enumerate(small.rows):
        row["sex"] = "MF"[i % 2]
        row["manufacturer"] = ["SIEMENS", "GE"][i % 2]
    (small.folder / "training.txt").write_text("90001\n90002\n")
    small.facts["training_sets"] = ["training.txt"]
    return small


def test_nothing_is_raised_on_clean_data(small, make_plan):
    assert found(clean(small), make_plan(strata={"manufacturer": {}, "sex": {}})) == []


@pytest.mark.parametrize("name", ["training.csv", "training", "training.txt"])
def test_patients_of_the_training_set_stop(small, make_plan, name):
    clean(small)
    folder = small.folder / "training"
    folder.mkdir()
    table = "case_id,patient_id\nt1,00001\nt2,77777\n"
    (small.folder / "training.csv").write_text(table)
    (folder / "manifest.csv").write_text(table)
    (small.folder / "training.txt").write_text("00001\n77777\n")
    small.facts["training_sets"] = [name]
    concern = about(found(small, make_plan()), "patients of training set")
    assert concern.severity == "stop"
    assert concern.rows == ("c2", "c3")


def test_patient_12_is_not_patient_00012(small, make_plan):
    clean(small)
    (small.folder / "training.txt").write_text("1\n2\n")
    assert found(small, make_plan()) == []


def test_images_of_the_training_set_stop_whatever_the_patient_is_called(small, make_plan):
    clean(small)
    (small.folder / "t.csv").write_text(f"patient_id,sha256\nother,{small.rows[4]['sha256'].upper()}\n")
    small.facts["training_sets"] = ["t.csv"]
    concern = about(found(small, make_plan()), "images of training set")
    assert (concern.severity, concern.rows) == ("stop", ("c4",))


@pytest.mark.parametrize(("name", "words"), [("none.csv", "does not exist"), ("manifest.csv", None)])
def test_training_manifests_are_checked(small, make_plan, name, words):
    small.facts["training_sets"] = [name]
    if words:
        with pytest.raises(BadInput, match=words):
            found(small, make_plan())
    else:
        assert len(about(found(small, make_plan()), "patients of training set").rows) == 6


def test_training_manifest_without_patients(small, make_plan):
    small.write()
    (small.folder / "t.csv").write_text("case\na\n")
    small.facts["training_sets"] = ["t.csv"]
    with pytest.raises(BadInput, match="needs a column 'patient_id'"):
        found(small, make_plan())


def test_no_training_manifest_is_a_minor_concern(small, make_plan):
    assert about(found(small, make_plan()), "No training manifest").severity == "minor"


def test_duplicate_images_and_their_patients(small, make_plan):
    clean(small)
    small.rows[5]["image"], small.rows[5]["sha256"] = small.rows[1]["image"], small.rows[1]["sha256"]
    concern = about(found(small, make_plan()), "share their image file")
    assert concern.rows == ("c1", "c5")
    assert "1 of these images stand under different patient ids" in concern.what


def test_one_manufacturer_only(small, make_plan):
    clean(small)
    for row in small.rows:
        row["manufacturer"] = "SIEMENS"
    raised = found(small, make_plan(strata={"manufacturer": {}}))
    assert about(raised, "but the set has SIEMENS only").severity == "major"
    assert found(small, make_plan()) == []


def test_missing_sex_and_age(small, make_plan):
    clean(small)
    small.rows[0]["sex"] = ""
    for row in small.rows:
        del row["age_years"]
    raised = found(small, make_plan())
    assert about(raised, "Sex is unknown for 1 of 6").rows == ("c0",)
    assert about(raised, "no column for age").severity == "major"


def test_manufacturer_and_site_that_cannot_be_told_apart(small, make_plan):
    clean(small)
    for row in small.rows:
        row["manufacturer"] = {"A": "SIEMENS", "B": "GE"}[row["site"]]
    raised = found(small, make_plan(strata={"manufacturer": {}, "site": {}}, too_few=3))
    assert about(raised, "Levels of manufacturer that occur at one level of site only").severity == "major"
    assert found(small, make_plan(strata={"manufacturer": {}, "site": {}}, too_few=4)) == []


def test_threshold_chosen_on_the_audited_set(small, make_plan):
    clean(small)
    plan = make_plan()
    lesion = plan.targets["lesion"].model_dump(exclude_none=True, exclude={"positive"})
    lesion["operating_point"]["chosen_on"] = "Small"
    concern = about(found(small, make_plan(targets={"lesion": lesion})), "was chosen on 'small'")
    assert concern.severity == "major"
    assert "candidate for lesion" in concern.what


def test_missing_and_one_sided_references(small, make_plan):
    clean(small)
    small.rows[0]["lesion"] = ""
    assert about(found(small, make_plan()), "1 of 6 cases lack a reference standard").rows == ("c0",)
    for row in small.rows:
        row["lesion"] = "1"
    assert about(found(small, make_plan()), "every case is reference-positive").severity == "major"


def test_predictive_values_of_an_enriched_set(small, make_plan):
    clean(small)
    endpoint = {
        "id": "P1",
        "role": "primary",
        "measure": "ppv",
        "target": "lesion",
        "criterion": {"kind": "minimum", "value": 0.5},
    }
    assert "PPV" in about(found(small, make_plan(endpoints=[endpoint])), "Sampling is enriched").what
    small.facts["sampling"] = {"kind": "consecutive"}
    assert found(small, make_plan(endpoints=[endpoint])) == []


def test_coverage_of_the_target_population(small, make_plan):
    clean(small)
    small.facts["target_population"] = {"site": {"A": 0.5, "B": 0.3, "C": 0.2}}
    raised = found(small, make_plan())
    assert about(raised, "site C is 20% of the target population and has no case").severity == "major"
    assert about(raised, "site B is 30% of the target population and 50% of the set").severity == "minor"


def test_gravest_first(small, make_plan):
    small.facts["training_sets"] = ["manifest.csv"]
    raised = found(small, make_plan())
    order = [("stop", "major", "minor").index(c.severity) for c in raised]
    assert order == sorted(order)
    assert order[0] == 0
    assert all(c.remedy.endswith(".") and c.what.endswith(".") for c in raised)


def test_a_version_that_saw_more_than_the_images(small, make_plan):
    model = {"kind": "mlflow", "name": "m", "version": 1, "not_blind_to": "It was guided by\n the reports."}
    raised = concerns(read_set(small.write()), make_plan(model=model))
    (mine,) = [each for each in raised if "not blind" in each.what]
    assert mine.severity == "stop"
    assert "The candidate, m 1, is not blind to these cases: It was guided by the reports. Its agreement" in mine.what
    assert not [each for each in concerns(read_set(small.folder), make_plan()) if "not blind" in each.what]


def test_a_level_with_one_class_only_is_a_shortcut(small, make_plan):
    plan = make_plan(too_few=2, strata={"site": {}, "manufacturer": {}})
    name, target = next((n, t) for n, t in plan.targets.items() if t.binary)
    clean(small)
    for i, row in enumerate(small.rows):
        row["site"] = "AB"[i % 2]
        row[target.reference] = 1 if i % 2 == 0 or i % 4 == 1 else 0
    hit = about(found(small, plan), "of site A are reference-positive")
    assert hit.severity == "major"
    assert hit.what.startswith(f"Target {name}: all ")
