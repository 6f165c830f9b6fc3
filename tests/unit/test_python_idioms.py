"""The idioms do the work that is measured."""

import pytest

from lsekernels.backends._idioms import Idioms
from lsekernels.kernels import python_idioms as kernel


def test_reference():
    assert kernel.reference(4) == (6, "0,1,2,3,")
    assert kernel.reference(0) == (0, "")


@pytest.mark.parametrize(
    "wrong", [3, 5, 6.0, "0,1,2,3", "0,1,2,", ["0,1,2,3,"], None, True, (6, "0,1,2,3,")]
)
def test_wrong_results_are_refused(wrong):
    """3 is the last element: what a slip in one of the texts returned instead of the sum."""
    assert kernel.error(wrong, kernel.reference(4), "float64") > kernel.MAX_ERROR


def test_both_forms_of_a_pair_give_the_same():
    found = {form: getattr(Idioms(), f"python_idioms_{form}")(1000) for form in kernel.FORMS}
    texts = {form for form, value in found.items() if isinstance(value, str)}
    assert texts == {"concat_plus", "concat_fstring", "concat_join"}
    assert len(set(found.values())) == 2
