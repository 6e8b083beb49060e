"""What a question may look like."""

import pytest

from audit.records import BadInput
from audit.sharing.asking import read_conditions


def test_conditions_are_attribute_and_level():
    asked = ["sex=F", "manufacturer = Cedar Systems", "note=a=b", "sex=F"]
    assert read_conditions(asked) == {"sex": "F", "manufacturer": "Cedar Systems", "note": "a=b"}


def test_two_levels_of_one_attribute_are_refused_not_overwritten():
    with pytest.raises(BadInput, match="sex is asked to be both 'F' and 'M'"):
        read_conditions(["sex=F", "sex=M"])


@pytest.mark.parametrize("condition", ["sex", "=F", "sex="])
def test_what_is_no_condition_is_refused(condition):
    with pytest.raises(BadInput, match="is no condition"):
        read_conditions([condition])
