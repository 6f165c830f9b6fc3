"""Random calls of the public functions; SciPy judges them, and where both differ, mpmath.

`case(seed, number)` is the same call on every machine. `judge` says where SciPy's answer is another
one than ours, by a name in `DIFFERENCES`, and fails where ours is wrong.
"""

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import mpmath
import numpy as np
import scipy.special

import lsekernels
from lsekernels import registry

INF = math.inf
EXTENDED = float(np.finfo(np.longdouble).eps)
PYTHON = bool, int, float, complex

DIFFERENCES = {
    "integers": "SciPy's softmax subtracts integers as such: they overflow, bool is refused, and "
    "small ones give float16",
    "masked": "SciPy sees what a mask hides, unless it is told by weights of zero",
    "zero weight": "SciPy multiplies it by exp of an element that is infinite: nan",
    "empty": "SciPy has no softmax of nothing, gives its sum the sign -1, and fails on some axes",
    "extended": "numbers of more than 64 bits are refused here",
    "direct sum": "where its result is not finite, SciPy takes log(sum(b * exp(a))) as it stands: "
    "it overflows to inf or nan, or vanishes and loses its sign",
    "angle": "SciPy multiplies an angle that is infinite or nan by 1j, which makes nan of the rest",
    "rounding": "SciPy's is further from the truth than ours may be",
}
"""Why SciPy's answer is another one than ours, or wrong."""

# -- random calls ----------------------------------------------------------------------------------


@dataclass
class Case:
    function: str
    x: Any
    options: dict[str, Any]
    backend: str | None

    def __str__(self):
        said = [repr(self.x), *(f"{k}={v!r}" for k, v in self.options.items())]
        return f"{self.function}({', '.join(said)}, backend={self.backend!r})"


REALS = ("f8",) * 8 + ("f4",) * 4 + ("f2",)
INTEGERS = "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"
COMPLEX = "c16", "c16", "c8"
EXACT = {"logsumexp": 3, "softmax": 1, "log_softmax": 1}


def case(seed, number, backends=()):
    """Return a call; `backends` are those that it may name."""
    random = np.random.RandomState([seed, number])
    function = pick(random, [name for name, often in EXACT.items() for _ in range(often)])
    dtype = pick(random, pick(random, (REALS,) * 8 + (INTEGERS, COMPLEX)))
    if random.rand() < 0.003:
        dtype = pick(random, ("g", "G"))
    ndim = pick(random, (0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4))
    shape = tuple(random.choice((0, 1, 2, 3, 4, 5, 9, 21), ndim, p=SIZES))
    while math.prod(shape) > 150:
        shape = tuple((n + 1) // 2 for n in shape)
    x = layout(random, values(random, shape, dtype))
    options = {}
    if random.rand() < 0.8:
        options["axis"] = axis(random, np.ndim(x))
    if function == "logsumexp":
        for name in "keepdims", "return_sign":
            if random.rand() < 0.4:
                options[name] = True
        if random.rand() < 0.5:
            options["b"] = weights(random, x)
    usable = [b for b in backends if rows_of(function) in registry.declaration(b).kernels()]
    backend = pick(random, usable) if usable and random.rand() < 0.3 else None
    return Case(function, x, options, backend)


SIZES = 0.03, 0.14, 0.2, 0.2, 0.14, 0.13, 0.09, 0.07


def pick(random, options):
    return options[random.randint(len(options))]


def rows_of(function):
    return "logsumexp" if function == "logsumexp" else f"{function}_rows"


def values(random, shape, dtype):
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.asarray(random.rand(*shape) < 0.5)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        low, high = pick(random, ((info.min, info.max), (max(info.min, -40), 40)))
        return np.asarray(random.randint(low, high, shape or None, dtype))
    if dtype.kind == "c":
        x = np.zeros(shape, dtype)
        x.real = values(random, shape, x.real.dtype)
        turn = pick(random, ("any", "any", "pi", "tiny", "none"))
        if turn == "any":
            angle = values(random, shape, x.real.dtype)
            with np.errstate(invalid="ignore"):  # one beyond 1e4 has no digits
                x.imag = np.where((np.abs(angle) > 1e4) & np.isfinite(angle), 1, angle)
        elif turn != "none":
            step = np.pi if turn == "pi" else 1e-20
            x.imag = step * random.randint(-2, 3, shape)
        return x
    info = np.finfo(dtype)
    kind = pick(random, KINDS)
    x = random.standard_normal(shape) * 10 ** random.uniform(-4, 3)
    if kind == "log-probabilities":
        x = np.log(random.dirichlet(np.ones(max(math.prod(shape), 1)))[: math.prod(shape)]).reshape(
            shape
        )
    elif kind == "huge":
        x = random.uniform(-1, 1, shape) * float(info.max)
    elif kind == "denormal":
        x = random.standard_normal(shape) * float(info.tiny)
    elif kind == "equal":
        x = np.full(shape, x.ravel()[0] if x.size else 0)
    elif kind == "ties":
        x = random.randint(-3, 4, shape)
    elif kind == "special":
        odd = random.choice((INF, -INF, -INF, np.nan, 0), shape)
        x = np.where(random.rand(*shape) < random.choice((0.05, 0.3, 1)), odd, x)
    elif kind == "nothing":
        x = np.full(shape, -INF)
    with np.errstate(over="ignore"):
        return np.asarray(x).astype(dtype)


KINDS = ("normal",) * 6 + (
    "log-probabilities", "huge", "denormal", "equal", "ties", "special", "special", "nothing"
)  # fmt: skip


def layout(random, x):
    """Return the same numbers, lying elsewhere in memory, or as something else."""
    kind = pick(random, LAYOUTS)
    if kind == "fortran":
        return np.asfortranarray(x) if x.ndim > 1 else x
    if kind == "transposed":
        return x.T
    if kind == "strided" and x.ndim:
        return np.repeat(x, 2, axis=-1)[..., ::2]
    if kind == "reversed" and x.ndim:
        return x[::-1]
    if kind == "swapped":
        return x.astype(x.dtype.newbyteorder())
    if kind == "misaligned":
        raw = np.zeros(x.nbytes + 1, "u1")
        moved = raw[1:].view(x.dtype).reshape(x.shape)
        moved[...] = x
        return moved
    if kind == "broadcast" and x.ndim:
        return np.broadcast_to(x[:1], x.shape)
    if kind == "read-only":
        x = x.copy()
        x.flags.writeable = False
        return x
    if kind == "list" and x.dtype.char not in "gG":
        return x.tolist()
    if kind == "masked" and x.dtype.char not in "gG":
        return np.ma.MaskedArray(x, mask=random.rand(*x.shape) < random.choice((0.1, 0.5, 1)))
    return x


LAYOUTS = ("plain",) * 6 + (
    "fortran", "transposed", "strided", "reversed", "swapped", "misaligned", "broadcast",
    "read-only", "list", "masked",
)  # fmt: skip


def axis(random, ndim):
    kind = random.rand()
    if kind < 0.02:
        return pick(random, (ndim or 1, -ndim - 2, 0.5, "0", *[(0, 0), (0, ndim)][: 2 * ndim]))
    if kind < 0.15 or not ndim:
        return pick(random, (None, None, ()) if ndim else (None, 0, -1, ()))
    if kind < 0.6:
        return int(random.randint(-ndim, ndim))
    chosen = random.permutation(ndim)[: random.randint(1, ndim + 1)]
    return tuple(int(i) - ndim * random.randint(2) for i in chosen)


def weights(random, x):
    """Return weights for `x`: of its shape, broadcast, or one number."""
    shape = np.shape(x)
    kind = random.rand()
    if kind < 0.2:
        return pick(
            random, (1, 2.5, -1.5, 0, True, 1j, np.float64(0.5), np.float32(-2), np.int8(3))
        )
    if kind < 0.23:
        shape = (*shape, 2, 7)  # it may not fit
    elif kind < 0.5:
        shape = tuple(n if random.rand() < 0.5 else 1 for n in shape)[
            random.randint(len(shape) + 1) :
        ]
    dtype = pick(random, ("f8",) * 6 + ("f4", "f4", "f2", "i8", "i1", "?", "c16", "c8"))
    signs = pick(random, ("positive", "both", "cancel", "zeros", "wide", "special"))
    b = random.standard_normal(shape)
    if signs == "positive":
        b = np.abs(b)
    elif signs == "zeros":
        b = np.where(random.rand(*shape) < 0.4, 0, b)
    elif signs == "wide":
        b = b * 10.0 ** random.uniform(-300, 300, shape)
    elif signs == "special" and dtype[0] != "c":
        b = np.where(random.rand(*shape) < 0.2, random.choice((INF, -INF, np.nan, 0), shape), b)
    elif signs == "cancel" and shape == np.shape(x) and len(shape) and np.size(b):
        a = np.nan_to_num(np.real(np.asarray(x)).astype("f8"))
        with np.errstate(all="ignore"):
            rest = np.sum(b[..., :-1] * np.exp(a[..., :-1] - a[..., -1:]), axis=-1)
        b[..., -1] = -rest * (1 + pick(random, (0, 1e-15, 1e-12, 1e-6)))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        b = np.asarray(b).astype(dtype)
    if dtype[0] == "c":
        b = b * np.exp(1j * random.uniform(-3, 3, shape)).astype(dtype)
    return layout(random, np.asarray(b))


# -- the judge -------------------------------------------------------------------------------------


def judge(case, thorough=False):
    """Return the names of what makes SciPy's answer another one; fail where ours is wrong.

    Ours is right where it is SciPy's up to 4 ulp, else where it is as near to the truth as its
    backend promises. `thorough` asks for the truth anyway.
    """
    ours, theirs = answer(lsekernels, case), answer(scipy.special, case)
    thorough = thorough and isinstance(ours, tuple) and nonempty(case)
    if agree(case, ours, theirs) and not thorough:
        return set()
    names, theirs = in_other_words(case, theirs)
    if not agree(case, ours, theirs) or thorough:
        found = compared_with_truth(case, ours, theirs)
        assert found is not None, f"{case}\n  ours:    {ours!r}\n  SciPy's: {theirs!r}"
        names |= found
    return names


def answer(module, case):
    """Return the results as a tuple, or what was raised; a warning of the default is an error."""
    ours = module is lsekernels
    strict = ours and case.backend is None
    with warnings.catch_warnings(), np.errstate(**{} if strict else {"all": "ignore"}):
        warnings.simplefilter("error" if strict else "ignore")
        try:
            result = getattr(module, case.function)(
                case.x, **case.options, **({"backend": case.backend} if ours else {})
            )
        except Exception as error:
            return error
    return result if isinstance(result, tuple) else (result,)


def agree(case, ours, theirs):
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        return isinstance(ours, type(theirs))
    return same_form(ours, theirs) and all(
        near(o, t, case).all() for o, t in zip(ours, theirs, strict=True)
    )


def same_form(ours, theirs):
    """Return whether shapes and dtypes are the same; only a mask lets a scalar be an array."""
    return not isinstance(ours, Exception) and all(
        np.shape(o) == np.shape(t)
        and np.asarray(o).dtype == np.asarray(t).dtype
        and (np.isscalar(o) == np.isscalar(t) or isinstance(o, np.ma.MaskedArray))
        for o, t in zip(ours, theirs, strict=True)
    )


def near(ours, theirs, case):
    """Return where two results are the same up to 4 ulp, real and imaginary parts each."""
    o, t = parts(ours), parts(theirs)
    with np.errstate(all="ignore"):
        same = (o == t) | (np.isnan(o) & np.isnan(t))
        same |= np.abs(o - t) <= 4 * np.spacing(np.maximum(np.abs(o), np.abs(t)))
    if isinstance(ours, np.ma.MaskedArray):
        assert np.array_equal(hidden(ours), hidden(case.x))
        same |= hidden(ours)[..., None]
    return same


def parts(result):
    result = np.asarray(result)
    return np.stack([result.real, result.imag][: 1 + (result.dtype.kind == "c")], axis=-1)


def hidden(values):
    return np.ma.getmaskarray(np.ma.asarray(values))


# -- SciPy in other words --------------------------------------------------------------------------


def in_other_words(case, theirs):
    """Return what SciPy says to a call that means the same, and the names of why it is needed."""
    x, b = case.x, case.options.get("b")
    if np.asarray(x).dtype.char in "gG":
        return {"extended"}, TypeError()
    if not nonempty(case):
        return {"empty"}, of_nothing(case)
    names, masks = set(), isinstance(x, np.ma.MaskedArray) or isinstance(b, np.ma.MaskedArray)
    if case.function != "logsumexp":
        if np.asarray(x).dtype.kind in "iub":
            names, x = {"integers"}, x.astype("f8") if masks else np.asarray(x, "f8")
        if masks:
            names, x = names | {"masked"}, np.where(hidden(x), -INF, np.asarray(x))
        return names, answer(scipy.special, replace(case, x=x)) if names else theirs
    options = dict(case.options)
    if masks:
        dtype = bool if b is None else np.result_type(*map(plain, (x, b)))
        unseen = hidden(x) | hidden(1 if b is None else b)
        options["b"] = b = np.where(unseen, 0, 1 if b is None else np.asarray(b)).astype(dtype)
        names, x = {"masked"}, plain(x)
    if b is not None:
        silent, large = np.broadcast_arrays(np.equal(b, 0), ~np.isfinite(exp(x)))
        if (silent & large).any():
            names |= {"zero weight"}
            scalar = type(x) in PYTHON
            x = type(x)() if scalar else np.where(silent, 0, x).astype(np.asarray(x).dtype)
    return names, answer(scipy.special, replace(case, x=x, options=options)) if names else theirs


def exp(x):
    with np.errstate(all="ignore"):
        return np.exp(np.asarray(x))


def plain(value):
    """Return what decides on the dtype of a result: Python's own numbers take that of an array."""
    return value if type(value) in PYTHON else np.asarray(value)


def result_type(case):
    b = case.options.get("b")
    dtype = np.result_type(plain(case.x), plain(1 if b is None else b))
    return dtype.newbyteorder("=") if dtype.kind in "fc" else np.dtype("f8")


def nonempty(case):
    try:
        return np.broadcast(case.x, case.options.get("b", 1)).size > 0
    except ValueError:  # an error of its own
        return True


def of_nothing(case):
    """Return what a sum of nothing is, or what NumPy raises."""
    dtype, axis = result_type(case), case.options.get("axis")
    x = np.broadcast_arrays(case.x, case.options.get("b", 1))[0]
    try:
        total = np.sum(np.atleast_1d(x), axis, keepdims=case.options.get("keepdims", False))
    except (TypeError, ValueError) as error:
        return error
    if case.function != "logsumexp":
        return (np.zeros(x.shape, dtype),)
    signed = case.options.get("return_sign")
    log = np.full(np.shape(total), -INF, np.empty(0, dtype).real.dtype if signed else dtype)[()]
    return (log, np.zeros(np.shape(total), dtype)[()]) if signed else (log,)


# -- what is true ----------------------------------------------------------------------------------


def compared_with_truth(case, ours, theirs):
    """Return the names of what is wrong in SciPy's answers, or None where something is in ours."""
    if isinstance(theirs, Exception) or not same_form(ours, theirs):
        return None
    b = case.options.get("b")
    w = np.where(hidden(case.x) | hidden(1 if b is None else b), 0, 1 if b is None else b)
    x = np.atleast_1d(np.asarray(case.x))
    x, w = np.broadcast_arrays(x if x.dtype.kind in "fc" else x.astype("f8"), w)
    axes = case.options.get("axis")
    axes = range(x.ndim) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    axes = [i % x.ndim for i in axes]
    kept = [i for i in range(x.ndim) if i not in axes]
    count = math.prod(x.shape[i] for i in kept)

    def rows(array):
        """Return what is summed over as rows; a result of logsumexp has one element in each."""
        if array.ndim > x.ndim or array.shape[:-1] == x.shape:
            array = array.transpose([*kept, *axes, x.ndim])
        return array.reshape(count, -1)

    names, each = set(), case.function != "logsumexp"
    xs, ws = rows(x[..., None]), rows(w[..., None])
    shape = (*x.shape, -1) if each else (count, -1)
    found = [
        [v.reshape(shape) for v in (parts(o), parts(t), near(o, t, case))]
        for o, t in zip(ours, theirs, strict=True)
    ]
    found = [[rows(v) if each else v for v in one] for one in found]
    for row in range(count):
        true = truths(case, xs[row].tolist(), ws[row].tolist())
        for number, (o, t, close) in enumerate(found):
            if true is None:  # SciPy's to say
                if not close[row].all():
                    return None
                continue
            for mine, other, value in zip(o[row], t[row], true[number], strict=True):
                name = compared(case, mine, other, *value)
                if name is None:
                    return None
                names.add(name)
    return names - {""}


def compared(case, mine, other, true, slack):
    """Return why SciPy's number is wrong, "" where it is not, or None where ours is."""
    if true is None or slack == INF:
        return ""
    error, reference = (distance(number, true, slack) for number in (mine, other))
    bound = promised(case)
    if not error <= bound:
        return None
    if reference <= max(bound, 8):
        return ""
    if isinstance(true, float):
        return "angle"
    return "rounding" if np.isfinite(other) else "direct sum"


def promised(case):
    """Return the error of its backend, in ulp."""
    declared = registry.declaration(case.backend or registry.best().name).max_error
    return max(v for k, v in declared.items() if k.removesuffix("_rows") == case.function)


def distance(value, true, slack):
    """Return the error in ulp, less `slack`; inf where one of both is not finite."""
    with np.errstate(all="ignore"), mpmath.workdps(60):
        nearest = value.dtype.type(float(true))
        if not (np.isfinite(nearest) and np.isfinite(value)):
            same = value == nearest or (np.isnan(value) and np.isnan(nearest))
            return 0.0 if same else INF
        error = abs(mpmath.mpf(float(value)) - true) - slack
        return float(error) / float(np.spacing(np.abs(nearest)))


def truths(case, x, w):
    """Return what each answer to a row is: a list of pairs, a part and an error it may have more.

    Any algorithm in the precision of its numbers has that: extended precision where ours adds with
    weights or complex numbers, else the result's, at the largest element.
    """
    found = total(x, w)
    if found is None:
        return direct(case, x, w) if case.function == "logsumexp" else None
    top, log, sign, condition = found
    dtype = result_type(case)
    eps = float(np.finfo(dtype).eps)
    if case.function != "logsumexp":
        return [of_softmax(case.function, x, w, top, log, 8 * eps * condition)]
    with mpmath.workdps(60):
        log = top + log
    most = max((abs(a) for a in x if np.isfinite(a)), default=0)
    if case.options.get("b") is None and dtype.kind == "f":
        tiny = bool(registry.declaration(case.backend or registry.best().name).known_failures)
        slack = eps * max(most, promised(case) if tiny else 0)
    else:
        slack = EXTENDED * condition * (8 + min(most, 12_000))  # exp of less is 0
        slack = slack if slack < 1 else INF
    if case.options.get("return_sign"):
        more = slack if dtype.kind == "c" or slack == INF else 0
        sign = in_parts(mpmath.mpmathify(sign), dtype.kind == "c")
        return [[(mpmath.re(log), slack)], [(part, more) for part in sign]]
    if dtype.kind == "f" and sign < 0:
        log = mpmath.nan
    log = in_parts(log, dtype.kind == "c")
    if len(log) == 2 and log[1] is not None and mpmath.pi - abs(log[1]) < slack:
        log[1] = None  # -pi or pi, by a rounding
    return [[(part, slack) for part in log]]


def direct(case, x, w):
    """Return what NumPy makes of a sum of infinite complex numbers."""
    with np.errstate(all="ignore"):
        terms = [np.exp(a) if b == 1 else b * np.exp(a) for a, b in zip(x, w, strict=True) if b]
        whole = np.sum(terms)
        log, sign = (parts(function(whole)).tolist() for function in (np.log, np.sign))
    both = (log[:1], sign) if case.options.get("return_sign") else (log,)
    return [[(part, 0) for part in one] for one in both]


def in_parts(value, both):
    if not both:
        return [value]
    if not mpmath.isfinite(value):
        return [value, None]  # no angle is better than another
    return [mpmath.re(value), mpmath.im(value)]


def of_softmax(function, x, w, top, log, slack):
    both, found = any(isinstance(a, complex) for a in x), []
    with mpmath.workdps(60):
        if both and mpmath.isfinite(log):
            seen = [(a.real, a.imag) for a, b in zip(x, w, strict=True) if b]
            slack *= 1 + max(abs(angle) for _, angle in seen)
            slack = slack if slack < 0.01 else INF
            # Which of the logarithms is meant: the one nearest to NumPy's maximum, as in SciPy.
            _, angle = max(seen)
            turns = (angle - mpmath.im(log)) / (2 * mpmath.pi)
            log += 2j * mpmath.pi * mpmath.nint(turns)
            both = 2 if abs(abs(turns - mpmath.nint(turns)) - 0.5) < slack else 1
        for a, b in zip(x, w, strict=True):
            value, more = mpmath.nan, slack
            if log == mpmath.inf and function == "log_softmax" and a != INF:
                value = -mpmath.inf
            elif mpmath.isfinite(log):
                value = mpmath.mpmathify(a) - top - log if a.real != -INF else -mpmath.inf
                if function == "softmax":
                    p = mpmath.exp(value)
                    value, more = p, slack * abs(p) * max(1, -mpmath.re(value)) if p else 0
            each = in_parts(value, both)
            if both == 2 and function == "log_softmax":
                each[1] = None  # either of both, by a rounding
            found += [(part, more) if b else (None, 0) for part in each]
    return found


def total(x, w):
    """Return log(sum(w * exp(x))) of two lists (of the magnitude, if real), its sign and condition.

    A weight of zero silences its term. The sum has no value where a nan is among the terms, or
    infinities of both signs. None: what infinite complex numbers mean is SciPy's to say.
    """
    terms = [(a, b) for a, b in zip(x, w, strict=True) if b != 0]
    terms = [(a, b) for a, b in terms if a.real != -INF or not np.isfinite(b)]
    odd = [term for term in terms if not np.isfinite(term).all()]
    if any(isinstance(number, complex) for term in odd for number in term):
        return None
    lost = any(math.isnan(a) or math.isnan(b) or (a == -INF and abs(b) == INF) for a, b in odd)
    signs = {math.copysign(1, b) for a, b in odd if a != -INF}
    if lost or len(signs) > 1:
        return 0, mpmath.nan, mpmath.nan, 1
    if signs:
        return 0, mpmath.inf, signs.pop(), 1
    terms = [term for term in terms if term not in odd]
    if not terms:
        return 0, -mpmath.inf, 0, 1
    for digits in 50, 700:
        with mpmath.workdps(digits):
            terms = [tuple(map(mpmath.mpmathify, term)) for term in terms]
            top = max(mpmath.re(a) for a, _ in terms)
            each = [(a, b * mpmath.exp(a - top)) for a, b in terms]
            head = mpmath.fsum(term for a, term in each if mpmath.re(a) == top)
            rest = mpmath.fsum(term for a, term in each if mpmath.re(a) != top)
            whole, size = head + rest, mpmath.fsum(abs(term) for _, term in each)
            if not abs(whole) * mpmath.mpf(10) ** (digits - 10) > size:
                continue
            # The rest apart: beside the head it may have too few digits.
            apart = abs(rest) < abs(head) / 2
            log = mpmath.log(head) + mpmath.log1p(rest / head) if apart else mpmath.log(whole)
            if isinstance(whole, mpmath.mpf):
                return top, mpmath.re(log), int(mpmath.sign(whole)), size / abs(whole)
            return top, log, whole / abs(whole), size / abs(whole)
    return 0, -mpmath.inf, 0, INF
