"""What two environments have unequal is named, likeliest cause first; what one side does not know says nothing."""

import pytest

from audit.evidence.environments import probable_causes

THEN = {
    "device": "cpu",
    "cpu": "A",
    "dependencies": {"torch": "2.13.0", "pydicom": "3.0.2", "rich": "15"},
    "torch": {"threads": 1},
    "determinism": {"device": "cpu", "tf32": False},
    "platform": "Linux",
    "python": "3.11.7",
    "version": "0.1.0",
    "commit": "a",
    "dirty": False,
}


def test_the_same_environment_explains_nothing() -> None:
    assert list(probable_causes(THEN, THEN)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"device": "cuda"}, "The device was cpu and is cuda."),
        ({"cpu": "B"}, "The processor was A and is B."),
        ({"dependencies": {"torch": "2.14.0"}}, "torch, which computes, was 2.13.0 and is 2.14.0."),
        ({"dependencies": {"pydicom": "4"}}, "pydicom, which reads images, was 3.0.2 and is 4."),
        ({"torch": {"threads": 8}}, "The number of threads was 1 and is 8."),
        ({"determinism": {"tf32": True}}, "The setting tf32 was False and is True."),
        ({"platform": "Darwin"}, "The operating system was Linux and is Darwin."),
        ({"python": "3.12.1"}, "Python was 3.11.7 and is 3.12.1."),
        ({"commit": "b"}, "This suite's commit was a and is b."),
        ({"dirty": True}, "The suite's checkout here has uncommitted changes."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_differs_is_named(change: dict[str, object], words: str) -> None:
    assert list(probable_causes(THEN, {**THEN, **change})) == [words]


def test_what_one_side_does_not_know_says_nothing_and_the_likeliest_comes_first() -> None:
    assert list(probable_causes({}, THEN)) == []
    now = {**THEN, "commit": "b", "device": "cuda", "dependencies": {"torch": "3", "rich": "16"}}
    assert [one.split()[0].strip(",") for one in probable_causes(THEN, now)] == ["The", "torch", "This"]
