"""The ruler of power8: exact powers, and wrong ones refused."""

import numpy as np
import pytest

from lsekernels.kernels import power8 as kernel


def worst(form, dtype):
    found = []
    for arguments in [kernel.CASES[name].arguments(dtype) for name in kernel.PROBES] + [
        kernel.make_data(1000, dtype)
    ]:
        found.append(kernel.error(form(*arguments), kernel.reference(*arguments), dtype))
    return max(found)


def test_reference():
    high, low = kernel.reference(np.array([3.0, -2.0, 1 + 2.0**-52]))
    assert high.tolist()[:2] == [6561.0, 256.0]
    assert low.tolist()[:2] == [0.0, 0.0]
    assert int(high[2] * 2**52) == 2**52 + 8
    assert low[2] == pytest.approx(28 * 2.0**-104)
    top = np.finfo(np.float32).max
    high, _ = kernel.reference(np.array([top, top ** np.float32(0.124)], np.float32))
    assert high[0] == np.inf
    assert np.isfinite(high[1])


@pytest.mark.parametrize("dtype", kernel.DTYPES)
def test_wrong_forms_are_refused(dtype):
    assert worst(lambda x: x**8, dtype) <= kernel.MAX_ERROR
    for wrong in (
        lambda x: x**7,
        lambda x: x**9,
        lambda x: np.sign(x) * x**8,
        lambda x: np.abs(x) ** 7.999,
        lambda x: (x.astype(np.float16) ** 8).astype(dtype),
        lambda x: (x**8)[::-1],
        lambda x: (x**8)[:-1],
    ):
        with np.errstate(over="ignore"):
            assert worst(wrong, dtype) > kernel.MAX_ERROR
