"""The public functions, as drop-in replacements of scipy.special's."""

import itertools
import math
import os

import mpmath
import numpy as np
import pytest
import scipy.special

import lsekernels
from lsekernels import chunked, registry, threads
from lsekernels.backend import Backend
from lsekernels.backends.numpy import NumPy
from lsekernels.kernels import logsumexp as kernel
from lsekernels.kernels._ulp import ulp_error

RANDOM = np.random.RandomState(5)
X = RANDOM.standard_normal((3, 4, 5))
INF = math.inf
ARRAYS = {
    "float64": X,
    "float32": X.astype("f4"),
    "float16": X.astype("f2"),
    "integers": (X * 5).astype(int),
    "bool": X > 0,
    "big_endian": X.astype(">f8"),
    "strided": X[:, ::2, ::-1],
    "transposed": X.T,
    "fortran": np.asfortranarray(X),
    "broadcast": np.broadcast_to(X[:, :1], (3, 4, 5)),
    "long": RANDOM.standard_normal((2, 70, 3)),
    "list": [1, 2.5, 3],
    "scalar": 1.5,
    "no_dimension": np.array(-2.5),
    "empty": [],
    "no_rows": np.zeros((0, 3)),
    "no_columns": np.zeros((3, 0)),
    "special": np.array([[-INF, 0], [-INF, -INF], [INF, 0], [math.nan, 1], [INF, -INF]]),
    "wide": X * 300,
}


EMPTY = "empty", "no_rows", "no_columns"
"""SciPy has no softmax of nothing, gives its sum the sign -1, and fails on some axes."""


def axes_of(a):
    ndim = np.ndim(a)
    several = [(-1, 0), (0, 1), (1, -1)][: 3 if ndim > 2 else ndim // 2]
    return [None, *range(ndim), *([-1] if ndim else []), *several]


def assert_same(result, expected):
    if not isinstance(expected, tuple):
        result, expected = (result,), (expected,)
    for ours, theirs in zip(result, expected, strict=True):
        assert np.shape(ours) == np.shape(theirs)
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        assert np.isscalar(ours) == np.isscalar(theirs)
        tolerance = {8: 1e-12, 4: 1e-5, 2: 4e-3}[np.asarray(ours).dtype.itemsize]
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [n for n in ARRAYS if n not in EMPTY])
def test_logsumexp_is_scipys(name):
    a = ARRAYS[name]
    weights = [None, 0.5, 0, -2.0]
    weights += [RANDOM.uniform(low, 1, np.shape(a)) for low in (0, -1)]
    if name in ("special", "wide"):
        weights.remove(0)  # 0 * inf is nan in SciPy; here a weight of zero silences its term
    for axis, keepdims, sign in itertools.product(axes_of(a), (False, True), (False, True)):
        for b in weights:
            given = {"axis": axis, "b": b, "keepdims": keepdims, "return_sign": sign}
            with np.errstate(all="ignore"):
                expected = scipy.special.logsumexp(a, **given)
            assert_same(lsekernels.logsumexp(a, **given), expected)


@pytest.mark.parametrize("name", [n for n in ARRAYS if n not in (*EMPTY, "bool")])
@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
def test_softmax_is_scipys(function, name):
    a = ARRAYS[name]
    for axis in axes_of(a):
        with np.errstate(all="ignore"):
            expected = getattr(scipy.special, function)(a, axis=axis)
        result = getattr(lsekernels, function)(a, axis=axis)
        assert_same(result, expected)


def test_nothing():
    assert lsekernels.logsumexp([]) == -INF
    assert lsekernels.logsumexp([], return_sign=True) == (-INF, 0)
    np.testing.assert_array_equal(lsekernels.logsumexp(np.zeros((2, 0)), axis=1), [-INF, -INF])
    assert lsekernels.logsumexp(np.zeros((2, 0)), axis=0).shape == (0,)
    assert lsekernels.logsumexp(np.zeros((2, 0)), axis=0, keepdims=True).shape == (1, 0)
    weights = np.array([0.0, 0.0, 2.0])
    assert lsekernels.logsumexp([INF, math.nan, 0], b=weights) == pytest.approx(math.log(2))
    for shape in ((0,), (3, 0), (0, 3)):
        assert lsekernels.softmax(np.zeros(shape)).shape == shape
        assert lsekernels.log_softmax(np.zeros(shape, "f4")).dtype == np.float32


def test_the_examples_of_scipys_documentation():
    """https://docs.scipy.org/doc/scipy/reference/generated/scipy.special.logsumexp.html."""
    a = np.arange(10)
    assert lsekernels.logsumexp(a) == pytest.approx(9.4586297444267107, rel=1e-15)
    weighted = lsekernels.logsumexp(a, b=np.arange(10, 0, -1))
    assert weighted == pytest.approx(9.9170178533034665, rel=1e-15)
    value, sign = lsekernels.logsumexp([1, 2], b=[1, -1], return_sign=True)
    assert (value, sign) == (pytest.approx(1.5413248546129181, rel=1e-15), -1)
    x = np.array([[1, 0.5, 0.2, 3], [1, -1, 7, 3], [2, 12, 13, 3]])
    assert lsekernels.softmax(x, axis=None).sum() == pytest.approx(1, rel=1e-15)
    np.testing.assert_allclose(lsekernels.softmax(x, axis=0).sum(axis=0), 1, rtol=1e-15)
    np.testing.assert_array_equal(lsekernels.log_softmax([1000.0, 1.0]), [0.0, -999.0])


@pytest.mark.parametrize(
    ("a", "error", "found"),
    [
        ([[1.0], [1.0, 2.0]], ValueError, "inhomogeneous"),
        (np.ones(2, np.clongdouble), TypeError, "complex256|clongdouble"),
        (["1"], TypeError, "<U1"),
        (None, TypeError, "object"),
        (np.ones(3, np.longdouble), TypeError, "float128|longdouble"),
        (np.array(["2020"], "M8[Y]"), TypeError, "datetime64"),
    ],
    ids=str,
)
def test_bad_input_names_the_argument_and_what_was_expected(a, error, found):
    wanted = f"must hold real numbers of at most 64 bits.*({found})"
    functions = {lsekernels.logsumexp: "a", lsekernels.softmax: "x", lsekernels.log_softmax: "x"}
    for function, name in functions.items():
        with pytest.raises(error, match=f"^{name} {wanted}"):
            function(a)
    with pytest.raises(error, match=f"^b {wanted}" if a is not None else "a must"):
        lsekernels.logsumexp([1.0] if a is not None else None, b=a)


@pytest.mark.parametrize("axis", [2, -3, (0, 2)])
def test_no_such_axis(axis):
    for function in (lsekernels.logsumexp, lsekernels.softmax):
        with pytest.raises(np.exceptions.AxisError, match=r"out of bounds.* 2"):
            function(np.ones((2, 2)), axis=axis)
    with pytest.raises(ValueError, match="twice"):
        lsekernels.logsumexp(np.ones((2, 2)), axis=(0, 0))
    with pytest.raises(TypeError, match="integer"):
        lsekernels.logsumexp(np.ones((2, 2)), axis=0.5)


def test_backend_without_the_kernel_says_who_has_it():
    with pytest.raises(ValueError, match="'python' has no softmax_rows.*numpy"):
        lsekernels.softmax([1.0], backend="python")


def test_best_is_the_most_preferred_that_is_installed(monkeypatch):
    assert registry.best().name == "simd"
    for name in registry.names():
        if registry.declaration(name).preference > 1:
            monkeypatch.setattr(registry.declaration(name), "requires", ("no_such_library",))
    registry.forget()
    try:
        assert registry.best().name == "numpy"
        (x,) = kernel.make_data(100, "float64")
        result = lsekernels.logsumexp(x)
        assert kernel.error(result, kernel.reference(x), "float64") <= 4
    finally:
        monkeypatch.undo()
        registry.forget()


def test_what_a_backend_without_rows_does(monkeypatch):
    assert "logsumexp_rows" not in registry.declaration("numba_object").kernels()
    result = lsekernels.logsumexp(X, axis=1, backend="numba_object")
    np.testing.assert_allclose(result, scipy.special.logsumexp(X, axis=1), rtol=1e-14)


# -- what a backend is given ---------------------------------------------------------------------


class Recording(NumPy):
    """NumPy's kernels, which keep what they are given."""

    def load(self):
        super().load()
        self.given = []

    def logsumexp(self, x):
        self.given.append(x)
        return super().logsumexp(x)

    def logsumexp_rows(self, x):
        self.given.append(x)
        return super().logsumexp_rows(x)

    def softmax_rows(self, x):
        self.given.append(x)
        return super().softmax_rows(x)

    def log_softmax_rows(self, x):
        self.given.append(x)
        return super().log_softmax_rows(x)


@pytest.fixture
def recording(monkeypatch):
    """The backend that every public function takes, whichever is asked for."""
    made = Recording()
    made.load()
    monkeypatch.setattr(registry, "load", lambda name: made)
    monkeypatch.setattr(registry, "best", lambda *_: made)
    return made


def plain(x, dtype, ndim):
    """Return whether every backend can take `x` as it is; only writable it need not be."""
    flags = x.flags
    assert type(x) is np.ndarray
    return flags.c_contiguous and flags.aligned and x.dtype == dtype and x.ndim == ndim


def misaligned(x):
    raw = np.zeros(x.nbytes + 1, np.uint8)
    moved = raw[1:].view(x.dtype).reshape(x.shape)
    moved[:] = x
    assert not moved.flags.aligned
    return moved


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "plain": lambda x: x,
    "strided": lambda x: np.repeat(x, 3, axis=-1)[..., ::3],
    "reversed": lambda x: x[::-1].copy()[::-1],
    "read_only": read_only,
    "misaligned": misaligned,
    "big_endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "column": lambda x: np.stack([x, x + 1], axis=-1)[..., 0],
    "fortran": lambda x: np.asfortranarray(x),
    "subclass": lambda x: np.ma.masked_array(x),
}


@pytest.mark.parametrize("backend", [None, "named"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_backends_are_given_plain_arrays_only(recording, layout, dtype, backend):
    (x,) = kernel.make_data(1001, dtype)
    expected = NumPy.logsumexp(recording, x)
    result = lsekernels.logsumexp(LAYOUTS[layout](x), backend=backend)
    assert all(plain(given, dtype, 1) for given in recording.given)
    assert len(recording.given) == 1
    assert result == expected
    assert type(result) is np.dtype(dtype).type


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", ["logsumexp", "softmax", "log_softmax"])
def test_backends_are_given_plain_rows_only(recording, function, dtype, layout):
    x = kernel.make_data(91, dtype)[0].reshape(7, 13)
    expected = getattr(NumPy, f"{function}_rows")(recording, x)
    result = getattr(lsekernels, function)(LAYOUTS[layout](x), axis=1)
    assert all(plain(given, dtype, 2) for given in recording.given)
    assert len(recording.given) == 1
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == dtype
    assert result.dtype.isnative


@pytest.mark.parametrize(
    "x",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        np.array([1, 2, 3]),
        np.array([1, 2, 3], "u1"),
        np.array([1, 2, 3], ">i4"),
        range(1, 4),
    ],
    ids=lambda x: f"{type(x).__name__}_{getattr(x, 'dtype', '')}",
)
def test_integers_and_lists_are_taken_as_float64(recording, x):
    result = lsekernels.logsumexp(x)
    (given,) = recording.given
    assert plain(given, "float64", 1)
    np.testing.assert_array_equal(given, [1.0, 2.0, 3.0])
    assert type(result) is np.float64
    assert kernel.error(result, kernel.reference(np.array([1.0, 2.0, 3.0])), "float64") <= 4


@pytest.mark.parametrize("function", ["logsumexp", "softmax", "log_softmax"])
def test_an_empty_list_reaches_no_backend(recording, function):
    result = getattr(lsekernels, function)([])
    assert not recording.given
    assert result == -INF if function == "logsumexp" else result.shape == (0,)


# -- weights ------------------------------------------------------------------------------------


def weighted_truth(a, b):
    """Return log|sum(b * exp(a))| and its sign, to 60 digits."""
    with mpmath.workdps(60):
        pairs = [(mpmath.mpf(float(x)), mpmath.mpf(float(w))) for x, w in zip(a, b, strict=True)]
        total = mpmath.fsum(w * mpmath.exp(x) for x, w in pairs if w)
        return (mpmath.log(abs(total)), int(mpmath.sign(total))) if total else (-mpmath.inf, 0)


def weighted_error(a, b, function=lsekernels.logsumexp):
    """Return the error in ulp, and whether the sign is right."""
    a, b = np.asarray(a), np.asarray(b)
    with np.errstate(all="ignore"):
        total, sign = function(a, b=b, return_sign=True)
    true, true_sign = weighted_truth(a, b)
    return ulp_error(total, true, a.dtype), sign == true_sign


@pytest.mark.parametrize(
    ("a", "b", "dtype"),
    [
        ([10, 10], [1 + 1e-8, -1], "f8"),
        ([1e6] * 2, [1 + 1e-11, -1], "f8"),
        ([1000] * 2, [1.00001, -1], "f4"),
        ([1e-10] * 4, [0.25] * 4, "f8"),
        ([0, -40], [1, 1], "f8"),
        ([0, 800], [1e308, 1e-308], "f8"),
        ([0, 0], [1e-310, 3e-311], "f8"),
        ([0, 1], [5e-324, 5e-324], "f8"),
        ([700, 700], [1e308, 1e308], "f8"),
        ([-1000, -1000], [1e-308, -1.1e-308], "f8"),
        ([0, 0.5], [1, -0.6], "f8"),
        ([1, 2, 3], [1, 0, -1], "f8"),
        ([90, 90, 1], [1e38, -1e38, 1], "f4"),
    ],
)
def test_weights_that_cancel_vanish_and_overflow(a, b, dtype):
    error, sign = weighted_error(np.array(a, dtype), np.array(b, dtype))
    assert error <= 1
    assert sign


def random_weights(random, kind):
    n = random.randint(1, 12)
    a = random.standard_normal(n) * 10 ** random.uniform(-3, 2.5)
    b = random.standard_normal(n) * 10 ** random.uniform(-5, 5, n)
    if kind == "positive":
        b = np.abs(b)
    if kind == "cancelling":
        with np.errstate(over="ignore"):
            rest = np.sum(b[:-1] * np.exp(a[:-1] - a[-1]))
        b[-1] = -rest * (1 + random.choice([0, 1e-15, 1e-12, 1e-6])) if np.isfinite(rest) else 1
    return a, b


@pytest.mark.parametrize("kind", ["positive", "of both signs"])
def test_random_weights(kind):
    random = np.random.RandomState(3)
    found = [weighted_error(*random_weights(random, kind)) for _ in range(400)]
    errors = np.array([error for error, _ in found])
    assert all(sign for _, sign in found)
    assert np.quantile(errors, 0.99) <= 1
    assert errors.max() <= (1 if kind == "positive" else 64)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 62, reason="no extended precision here")
def test_random_weights_that_cancel_keep_their_sign_and_beat_scipys():
    random = np.random.RandomState(4)
    given = [random_weights(random, "cancelling") for _ in range(400)]
    ours = [weighted_error(*one) for one in given]
    theirs = [weighted_error(*one, scipy.special.logsumexp) for one in given]
    assert all(sign for _, sign in ours)
    # Where nearly all digits cancel, one that has lost more may be nearer by chance.
    worse = [(o, t) for (o, _), (t, _) in zip(ours, theirs, strict=True) if o > max(8, 10 * t)]
    assert not worse
    middle, other = (np.median([error for error, _ in found]) for found in (ours, theirs))
    assert middle < other / 100


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (2, 1)])
def test_weights_are_broadcast_over_any_axes(axis):
    b = RANDOM.standard_normal((4, 1))
    ours, sign = lsekernels.logsumexp(X, axis=axis, b=b, return_sign=True)
    theirs, signs = scipy.special.logsumexp(X, axis=axis, b=b, return_sign=True)
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    np.testing.assert_array_equal(sign, signs)


@pytest.mark.parametrize(
    ("a", "b", "total", "sign"),
    [
        ([INF, 0], [1, 1], INF, 1),
        ([INF, 0], [-1, 1], INF, -1),
        ([INF, INF], [-1, 1], math.nan, math.nan),
        ([0, 0], [INF, 1], INF, 1),
        ([0, 0], [INF, -INF], math.nan, math.nan),
        ([-INF, 0], [INF, 1], math.nan, math.nan),
        ([-INF, 0], [0, 1], 0, 1),
        ([INF, math.nan, 0], [0, 0, 1], 0, 1),
        ([0, 0], [math.nan, 1], math.nan, math.nan),
        ([math.nan, 0], [-1, 1], math.nan, math.nan),
        ([-INF, -INF], [1, -1], -INF, 0),
        ([5, 5], [1, -1], -INF, 0),
    ],
)
def test_weights_and_infinities(a, b, total, sign):
    found = lsekernels.logsumexp(np.array(a, "f8"), b=np.array(b, "f8"), return_sign=True)
    np.testing.assert_array_equal(found, (total, sign))


# -- what is masked, axes, dtypes, complex numbers ------------------------------------------------


def test_what_is_masked_is_left_out():
    masked = np.ma.array([1, 2, 1e3], mask=[0, 0, 1])
    assert lsekernels.logsumexp(masked) == lsekernels.logsumexp([1.0, 2.0])
    assert lsekernels.logsumexp([1.0, 2, 1e3], b=np.ma.array([1, 1, 1], mask=[0, 0, 1])) == (
        lsekernels.logsumexp([1.0, 2], b=[1, 1])
    )
    assert lsekernels.logsumexp(np.ma.array([1, 2], mask=True)) == -INF
    rows = np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [1, 1]])
    assert lsekernels.logsumexp(rows, axis=1).tolist() == [1, -INF]
    for name in ("softmax", "log_softmax"):
        function = getattr(lsekernels, name)
        result = function(masked)
        assert result.mask.tolist() == [False, False, True]
        np.testing.assert_array_equal(result.compressed(), function([1.0, 2.0]))


def test_what_is_masked_adds_nothing_to_a_chunk():
    masked = np.ma.array([1, 2, 1000], mask=[0, 0, 1])
    part = chunked.reduce_chunk(masked, "numpy")
    assert part.log == pytest.approx(lsekernels.logsumexp([1.0, 2.0]), rel=1e-15)


@pytest.mark.parametrize("axis", [0.0, False, np.array([0]), "0", (0, True)])
def test_an_axis_is_an_integer(axis):
    for function in (lsekernels.logsumexp, lsekernels.softmax):
        with pytest.raises(TypeError, match="axis must be an integer"):
            function(np.ones(3), axis=axis)
    assert lsekernels.logsumexp(np.ones(3), axis=np.int8(0)) == lsekernels.logsumexp(np.ones(3))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        *(
            (np.ones(2, of_a), np.ones(2, of_b))
            for of_a in ("f2", "f4", "f8", "i1", "i8", "u1", "?", "c8")
            for of_b in ("f2", "f4", "f8", "i1", "i8", "?", "c16")
        ),
        *((np.ones(2, of_a), b) for of_a in ("f4", "i2") for b in (1, 1.0, True, 1j)),
        (np.ones(2, "f4"), np.float64(1)),
        (1.5, np.ones(2, "f4")),
        ([1, 2], np.ones(2, "f4")),
        (1, 2),
    ],
    ids=lambda value: f"{getattr(value, 'dtype', type(value).__name__)}",
)
def test_dtypes_are_scipys(a, b):
    ours = lsekernels.logsumexp(a, b=b, return_sign=True)
    theirs = scipy.special.logsumexp(a, b=b, return_sign=True)
    assert [v.dtype for v in ours] == [v.dtype for v in theirs]
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)


COMPLEX = RANDOM.standard_normal((3, 4)) + 3j * RANDOM.standard_normal((3, 4))


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("b", [None, 2.0, -1.5, 1j, COMPLEX[::-1]])
@pytest.mark.parametrize("sign", [False, True])
def test_complex_numbers_mean_what_they_mean_in_scipy(axis, b, sign):
    given = {"axis": axis, "b": b, "return_sign": sign}
    ours, theirs = (f.logsumexp(COMPLEX, **given) for f in (lsekernels, scipy.special))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    for one, other in zip(ours, theirs, strict=True) if sign else [(ours, theirs)]:
        assert one.dtype == other.dtype


def test_complex_steps_give_derivatives():
    x, step = np.array([0.3, -1.2, 2.0]), 1e-20
    softmax = lsekernels.softmax(x)
    for i in range(3):
        moved = x + 1j * step * (np.arange(3) == i)
        assert lsekernels.logsumexp(moved).imag / step == pytest.approx(softmax[i], rel=1e-14)
        slope = lsekernels.log_softmax(moved).imag / step
        np.testing.assert_allclose(slope, (np.arange(3) == i) - softmax[i], rtol=1e-13)
    for name in ("softmax", "log_softmax"):
        ours, theirs = (getattr(f, name)(COMPLEX, axis=1) for f in (lsekernels, scipy.special))
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_call_asks_nothing_of_declarations_anew(monkeypatch):
    """`dir` of a class was asked thirteen times in each call of softmax: 133 µs."""
    x = np.ones((3, 4))
    calls = [
        lambda: lsekernels.softmax(x, axis=1),
        lambda: lsekernels.log_softmax(x, axis=1),
        lambda: lsekernels.logsumexp(x, axis=1),
        lambda: lsekernels.logsumexp(x, axis=1, backend="numpy"),
    ]
    for call in calls:
        call()
    asked = []
    for name in ("methods", "missing"):
        monkeypatch.setattr(Backend, name, lambda *args, name=name: asked.append(name))
    monkeypatch.setattr("importlib.import_module", asked.append)
    for call in calls:
        call()
    assert not asked


@pytest.mark.parametrize(
    ("text", "number"),
    [("3", 3), ("2,1", 2), (" 4 , 2", 4), ("0", None), ("-1", None), ("two", None), ("", None)],
)
def test_openmps_number_of_threads(monkeypatch, text, number):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert threads.allowed() == (number or len(os.sched_getaffinity(0)))
    assert threads.allowed(7) == (number or 7)


# -- the last digits of softmax -------------------------------------------------------------------

NUMBERS = np.random.RandomState(6).uniform(-900, 900, 300)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 64])
def test_softmax_of_equal_elements(dtype, n):
    """Exact where 1 / n is, by the default backend."""
    expected = np.dtype(dtype).type(1) / np.dtype(dtype).type(n)
    for number in NUMBERS:
        x = np.full(n, number, dtype)
        error = 0 if n & (n - 1) == 0 else np.spacing(expected)
        np.testing.assert_allclose(lsekernels.softmax(x), expected, rtol=0, atol=error)
    if n == 1:
        for number in NUMBERS:
            assert lsekernels.log_softmax(np.array([number], dtype)) == 0


def log_softmax_error(x):
    """Return the largest error in ulp of each element's own true value."""
    result = lsekernels.log_softmax(x)
    with mpmath.workdps(400):
        numbers = [mpmath.mpf(float(v)) for v in x]
        log = mpmath.log(mpmath.fsum(map(mpmath.exp, numbers)))
        return max(
            ulp_error(r, number - log, x.dtype) for r, number in zip(result, numbers, strict=True)
        )


@pytest.mark.parametrize(
    "x",
    [
        np.array([10, 0.0]),
        np.array([20.3, 9.1], "f4"),
        np.array([-800, 800], "f4"),
        np.array([0, -700.0]),
        np.array([700, 699.0, -300]),
        np.array([1e5, 1e5 - 30]),
        np.array([88, 1], "f4"),
    ],
    ids=str,
)
def test_log_softmax_keeps_the_digits_of_what_is_nearly_one(x):
    assert log_softmax_error(x) <= 4


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("top", [0, 5, 20, 60])
def test_log_softmax_of_classes_with_a_top_logit(dtype, top):
    random = np.random.RandomState(7)
    for n in (2, 10, 100):
        x = random.standard_normal(n)
        x[n // 2] += top
        assert log_softmax_error(x.astype(dtype)) <= 4
