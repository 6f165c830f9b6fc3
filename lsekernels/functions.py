"""logsumexp, softmax and log_softmax for those who just want the result, by any backend.

The meaning is SciPy's; the work is done by the best CPU backend that is installed. What backends
have no kernel for, complex numbers and mostly weights, is done in NumPy.

They may be called from several threads, by any backend. In a forked child they compute, too, unless
the backend has threads of its own and the parent has loaded it: then they raise `Unavailable`.

Source: of the shifted sum, and of log1p of all but its largest terms: P. Blanchard, D. J. Higham
and N. J. Higham, "Accurately computing the log-sum-exp and softmax functions", IMA J. Numer. Anal.
41 (2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import registry
from .backend import Backend

Axis = int | Sequence[int] | None
_FAST = {np.dtype("float64"): np.float64, np.dtype("float32"): np.float32}
_LONG = np.dtype(np.longdouble)
"""Of 64 bits and more behind the point on most CPUs that are not ARM's; else float64 again."""


def logsumexp(
    a: Any,
    axis: Axis = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
    *,
    backend: str | None = None,
) -> Any:
    """Return log(sum(b * exp(a))) without overflow.

    Parameters
    ----------
    a : array_like
        Numbers of any shape: float64, float32, float16, integers or bool (the last two are taken
        as float64), complex128 or complex64. Strided, read-only and big-endian arrays and lists are
        accepted. What is masked in a masked array is left out.
    axis : None, int or tuple of ints
        What is summed over; None is everything.
    b : array_like, optional
        Weights, broadcast against `a`; they may be zero or negative, infinite or complex. A weight
        of zero silences its term, whatever that is. What is masked is a weight of zero.
    keepdims : bool
        Keep the axes summed over, with length 1.
    return_sign : bool
        Return also the sign of the sum. Without it a negative sum gives nan.
    backend : str, optional
        One of :func:`lsekernels.backends`; by default the best CPU backend that is installed. Sums
        of complex numbers are NumPy's, whichever is asked for, and so are those with weights
        unless it is `simd` and sure of all digits.

    Returns
    -------
    numpy scalar or array
        Of the dtype that NumPy gives to a sum of `a` and `b`. -inf for an empty sum, nan where
        there is a nan. With weights it is right to a few ulp also where they cancel, as far as
        the CPU's extended precision goes.
    sign : numpy scalar or array
        1, 0 or -1 (or nan), or the complex number of magnitude 1; only with `return_sign`.

    Raises
    ------
    TypeError, ValueError
        `a` or `b` does not hold real numbers of at most 64 bits, or complex ones of twice as many;
        or `backend` is not known.
    numpy.exceptions.AxisError
        `a` has no such axis.
    Unavailable
        The backend cannot work here; the message says why.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    implementation = registry.best() if backend is None else registry.load(backend)
    along = getattr(implementation, "logsumexp_along", None)
    if along and b is None and not (keepdims or return_sign):
        result = along(a, axis)
        if result is not NotImplemented:
            return result
    if type(a) is np.ndarray and a.ndim == 1 and b is None:
        scalar = _FAST.get(a.dtype)  # also native: another byte order is another dtype
        flags = a.flags
        if (
            scalar
            and (axis is None or (type(axis) is int and axis in (0, -1)))
            and not (keepdims or return_sign)
            and a.size
            and flags.c_contiguous
            and flags.aligned
        ):
            result = implementation.logsumexp(implementation.to_device(a))  # type: ignore[attr-defined]
            return scalar(implementation.to_host(result))
    array, of_a = _numbers(a, "a")
    array = array.reshape(1) if array.ndim == 0 else array  # as SciPy; it shows with keepdims
    dtype = _result((a, of_a))
    if b is not None or dtype.kind == "c":
        weights, of_b = _numbers(1 if b is None else b, "b", masked=0)
        weights = filled(a, weights, 0)  # what has no weight adds nothing, even with a nan
        dtype = _result((a, of_a), (1 if b is None else b, of_b))
        array, weights = np.broadcast_arrays(array, weights)
        axes = _axes(axis, array.ndim)
        total, sign = _weighted(implementation, array, weights, axes, dtype)
        if dtype.kind == "c" and return_sign:
            total = total.real
        elif not return_sign and dtype.kind == "f":
            total = np.where(sign < 0, np.nan, total)
    else:
        axes = _axes(axis, array.ndim)
        total = _reduce(implementation, array, axes)
        sign = np.where(np.isnan(total), total, np.where(total == -np.inf, 0, 1))
    if keepdims:
        shape = tuple(1 if i in axes else n for i, n in enumerate(array.shape))
        total, sign = total.reshape(shape), sign.reshape(shape)
    of_total = np.empty(0, dtype).real.dtype if return_sign else dtype
    total, sign = _cast(total, of_total)[()], _cast(sign, dtype)[()]
    return (total, sign) if return_sign else total


def softmax(x: Any, axis: Axis = None, *, backend: str | None = None) -> Any:
    """Return exp(x) / sum(exp(x)), summed over `axis` (None: over everything).

    Parameters, errors and dtypes as for :func:`logsumexp`. Where a sum contains nan or inf, or
    nothing but -inf, all of it is nan. What is masked counts as -inf, and stays masked.

    Examples
    --------
    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    return _map("softmax", x, axis, backend)


def log_softmax(x: Any, axis: Axis = None, *, backend: str | None = None) -> Any:
    """Return the logarithm of :func:`softmax`, exact also where that is 0 or 1.

    Beside an element of inf the others are -inf. What is beyond float16 is infinite.

    Examples
    --------
    >>> log_softmax([0.0, -1000.0]).tolist()
    [0.0, -1000.0]
    """
    return _map("log_softmax", x, axis, backend)


# -- shapes and dtypes ----------------------------------------------------------------------------


def _numbers(values: Any, name: str, masked: float = -np.inf) -> tuple[np.ndarray, np.dtype[Any]]:
    """Return `values` in the dtype it is computed in, and their own; masked ones replaced."""
    wanted = f"{name} must hold real numbers of at most 64 bits, or complex ones of 128"
    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{wanted}; {error}") from None
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind not in "fiubc" or size > (16 if kind == "c" else 8):
        raise TypeError(f"{wanted}, not of {array.dtype}")
    work = array.astype(np.promote_types(array.dtype, "f4") if kind in "fc" else "f8", copy=False)
    return filled(values, work, masked), array.dtype


def filled(values: Any, array: np.ndarray, number: float) -> np.ndarray:
    """Return `array` with `number` where `values` is masked."""
    if not isinstance(values, np.ma.MaskedArray):
        return array
    return np.where(np.ma.getmaskarray(values), array.dtype.type(number), array)


def _result(*given: tuple[Any, np.dtype[Any]]) -> np.dtype[Any]:
    """Return the dtype of the result: NumPy's for a sum, of integers float64."""
    python = (bool, int, float, complex)  # they take the dtype of an array that they are with
    dtype = np.result_type(*(value if type(value) in python else of for value, of in given))
    return dtype.newbyteorder("=") if dtype.kind in "fc" else np.dtype("f8")


def _cast(result: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Return `result` in C order, as `dtype`; what is beyond its range is infinite."""
    if result.dtype == dtype:
        return result.astype(dtype, order="C", copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        return result.astype(dtype, order="C")


def _axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, Sequence) else (axis,)
    for i in given:
        if isinstance(i, bool) or not isinstance(i, (int, np.integer)):
            raise TypeError(f"axis must be an integer, a tuple of them or None, not {axis!r}")
    axes = [int(i) for i in given]
    for i in axes:
        if not -max(ndim, 1) <= i < max(ndim, 1):  # 0 and -1 of a scalar: as SciPy
            raise np.exceptions.AxisError(i, ndim)
    axes = [i % max(ndim, 1) for i in axes]
    if len(set(axes)) != len(axes):
        raise ValueError(f"axis has the same axis twice: {axis}")
    return tuple(axes) if ndim else ()


def _rows(array: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return `array` as C-contiguous rows over `axes`, and its shape with those axes last."""
    kept = [i for i in range(array.ndim) if i not in axes]
    moved = array.transpose([*kept, *axes])
    count = int(np.prod(moved.shape[: len(kept)], dtype=np.intp))
    length = int(np.prod(moved.shape[len(kept) :], dtype=np.intp))
    return np.require(moved.reshape(count, length), requirements=["C", "A"]), moved.shape


# -- the work ------------------------------------------------------------------------------------


def _call(backend: Backend, kernel: str, x: np.ndarray) -> Any:
    return backend.to_host(getattr(backend, kernel)(backend.to_device(x)))


def _along(
    backend: Backend, kernel: str, array: np.ndarray, axes: tuple[int, ...]
) -> np.ndarray | None:
    """Return what a backend computes over axes as they lie; None if it cannot, or they lie apart.

    Such a backend has `logsumexp_along(x, axis)`, `softmax_along` and `log_softmax_along`.
    """
    compute = getattr(backend, f"{kernel}_along", None)
    first, after = min(axes, default=0), max(axes, default=-1) + 1
    if not (compute and axes and array.size and after - first == len(axes)):
        return None
    if array.flags.f_contiguous and not array.flags.c_contiguous:  # the other way round
        turned = _along(backend, kernel, array.T, tuple(array.ndim - 1 - i for i in axes))
        return None if turned is None else turned.T
    x = np.require(array, requirements=["C", "A"])
    before, within, behind = x.shape[:first], x.shape[first:after], x.shape[after:]
    result: np.ndarray = compute(x.reshape(*before, -1, *behind), first)
    shape = (*before, *behind) if kernel == "logsumexp" else (*before, *within, *behind)
    return np.asarray(result).reshape(shape)


def _reduce(backend: Backend, array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    found = _along(backend, "logsumexp", array, axes)
    if found is not None:
        return found
    rows, shape = _rows(array, axes)
    if rows.size == 0:
        result = np.full(len(rows), -np.inf, array.dtype)
    elif len(rows) > 1 and "logsumexp_rows" in backend.kernels():
        result = np.asarray(_call(backend, "logsumexp_rows", rows))
    else:
        result = np.array([_call(backend, "logsumexp", row) for row in rows])
    return result.astype(array.dtype, copy=False).reshape(shape[: array.ndim - len(axes)])


def _weighted(
    backend: Backend,
    array: np.ndarray,
    weights: np.ndarray,
    axes: tuple[int, ...],
    dtype: np.dtype[Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Return log|sum(weights * exp(array))|, and the sum divided by its magnitude.

    Of complex numbers it is the logarithm of the sum itself. A backend may have `weighted_rows(x,
    w, precision)`, which says of which rows it is sure; the others are NumPy's.
    """
    kept = tuple(n for i, n in enumerate(array.shape) if i not in axes)
    if array.size == 0:
        return np.full(kept, -np.inf), np.zeros(kept)
    if dtype.kind == "c":
        x, w = (_rows(v.astype("c16"), axes)[0] for v in (array, weights))
        total, sign = _complex_sum(x, w)
        return total.reshape(kept), sign.reshape(kept)
    x, w = (_rows(v.astype("f8", copy=False), axes)[0] for v in (array, weights))
    eps = float(np.finfo(dtype).eps)
    compute = getattr(backend, "weighted_rows", None)
    if compute:
        total, sign, sure = compute(x, w, eps / 2)
        if not sure.all():
            total[~sure], sign[~sure] = _exactly(x[~sure], w[~sure], eps)
    else:
        total, sign = _exactly(x, w, eps)
    return total.reshape(kept), sign.reshape(kept)


def _exactly(x: np.ndarray, w: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Return log|sum(w * exp(x))| of each row and its sign, again where digits cancel."""
    total, sign, error = _signed_sum(x, w)
    doubtful = error > eps * np.where(np.isfinite(total), np.abs(total), 0)
    if doubtful.any() and _LONG.itemsize > 8:
        again = _signed_sum(x[doubtful].astype(_LONG), w[doubtful].astype(_LONG))
        total[doubtful], sign[doubtful] = again[:2]
    return total, sign


def _signed_sum(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log|sum(w * exp(x))| of each row, the sum's sign, and a bound of the absolute error.

    The terms are divided by the largest of them, whose weight counts as a power of two and a
    fraction, so that neither weights nor exponentials overflow or vanish beside each other. Those
    that have its x are added up first: they are exact, or cancel exactly.
    """
    log2 = np.log(x.dtype.type(2))
    with np.errstate(all="ignore"):
        used = w != 0
        x = np.where(used, x, -np.inf)
        fraction, power = np.frexp(w)
        endless = used & ((x == np.inf) | np.isinf(w))
        lost = np.isnan(x) | np.isnan(w) | ((x == -np.inf) & np.isinf(w))
        size = np.where(used & np.isfinite(x) & np.isfinite(w), x + power * log2, -np.inf)
        largest = np.arange(len(x)), size.argmax(axis=1)
        top, scale = x[largest][:, None], power[largest][:, None]
        top = np.where(np.isfinite(top), top, 0)
        far = power - scale
        near = np.clip(far, -500, 500)
        terms = np.ldexp(fraction, near) * np.exp(x - top + (far - near) * log2)
        first = x == top
        head, rest = (np.where(those, terms, 0).sum(axis=1) for those in (first, ~first))
        sizes = [np.where(those, np.abs(terms), 0).sum(axis=1) for those in (first, ~first)]
        apart = np.abs(rest) < np.abs(head) / 2  # else they may cancel
        whole = np.where(apart, head, head + rest)
        top, scale = top[:, 0], scale[:, 0]
        inside = np.abs(scale) <= 500
        log = np.log(np.abs(np.ldexp(whole, np.where(inside, scale, 0))))
        log += np.where(inside, 0, scale * log2)
        total = top + (log + np.where(apart, np.log1p(rest / head), 0))
        sign = np.sign(whole)
        several = np.count_nonzero(first, axis=1) > 1
        relative = np.where(apart, sizes[1] / np.abs(head), (sizes[0] + sizes[1]) / np.abs(whole))
        relative += np.where(several, sizes[0] / np.abs(head), 0)
        error = 4 * np.finfo(x.dtype).eps * (relative + np.abs(log))
        error[np.isnan(error)] = np.inf  # nothing is left of what was added
        error[sizes[0] + sizes[1] == 0] = 0
        for row in np.flatnonzero((endless | lost).any(axis=1)):
            signs = set(np.sign(w[row][endless[row]]))
            total[row], sign[row], error[row] = np.inf, signs.pop() if signs else 0, 0
            if lost[row].any() or signs:
                total[row] = sign[row] = np.nan
    return total, sign, error


def _complex_sum(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log(sum(w * exp(x))) of each row, and the sum divided by its magnitude.

    Where that is infinite or nan it is what NumPy's exp and log make of the sum, as in SciPy.
    """
    with np.errstate(all="ignore"):
        used = w != 0
        x = np.where(used, x, -np.inf)
        size = np.where(used, x.real + np.log(np.abs(w)), -np.inf)
        top = size.max(axis=1, keepdims=True)
        shift = x[np.arange(len(x)), size.argmax(axis=1)].real[:, None]
        shift = np.where(np.isfinite(top) & np.isfinite(shift), shift, 0)
        wide = np.promote_types(_LONG, "c16")
        terms = np.where(used, w * np.exp(x.astype(wide) - shift), 0)
        first = x.real == shift
        head, rest = (np.where(those, terms, 0).sum(axis=1) for those in (first, ~first))
        whole = head + rest
        size = np.abs(whole)
        sign = whole / np.where(size > 0, size, 1)
        # |1 + ratio| by log1p, as NumPy's of complex numbers is the logarithm of the rounded sum.
        apart = np.abs(rest) < np.abs(head) / 2
        ratio = np.where(apart, rest / head, 0)
        more = np.log1p(ratio.real * (2 + ratio.real) + ratio.imag**2) / 2
        total = np.log(np.where(apart, head, whole))
        total.real += more + shift[:, 0]
        total.imag = np.angle(whole)
        # Terms that cancel exactly are finite, though their sum has no logarithm.
        strange = ~np.isfinite(total) & ((size != 0) | np.isneginf(top[:, 0]))
        # 1 * (inf + inf j) is nan: no weight of 1 is multiplied by.
        terms = np.where(w == 1, np.exp(x), w * np.exp(x))
        direct = np.where(used, terms, 0)[strange].sum(axis=1)
        total[strange], sign[strange] = np.log(direct), np.sign(direct)
    return total, sign


def _map(name: str, x: Any, axis: Axis, backend: str | None) -> Any:
    kernel = f"{name}_rows"
    implementation = registry.best(kernel) if backend is None else registry.load(backend)
    along = getattr(implementation, f"{name}_along", None)
    if along:
        result = along(x, axis)
        if result is not NotImplemented:
            return result
    if kernel not in implementation.kernels():
        known = ", ".join(registry.names(kernel))
        raise ValueError(f"backend {implementation.name!r} has no {kernel}. Those that do: {known}")
    array, of_x = _numbers(x, "x")
    dtype = _result((x, of_x))
    axes = _axes(axis, array.ndim)
    result = None if dtype.kind == "c" else _along(implementation, name, array, axes)
    if result is None:
        rows, shape = _rows(array, axes)
        if dtype.kind == "c":
            result = _complex_map(kernel, rows)
        else:
            result = rows if rows.size == 0 else np.asarray(_call(implementation, kernel, rows))
        kept = [i for i in range(array.ndim) if i not in axes]
        result = result.reshape(shape).transpose(np.argsort([*kept, *axes]))
    result = _cast(result, dtype)
    if isinstance(x, np.ma.MaskedArray):
        return np.ma.MaskedArray(result, mask=x.mask)
    return result[()]


def _complex_map(kernel: str, rows: np.ndarray) -> np.ndarray:
    if rows.size == 0:
        return rows
    with np.errstate(all="ignore"):
        top = rows.max(axis=1, keepdims=True)  # as in SciPy, with its imaginary part
        if kernel == "log_softmax_rows":
            top = np.where(np.isfinite(top), top, 0)
        d = rows - top
        terms = np.exp(d)
        total = terms.sum(axis=1, keepdims=True)
        result: np.ndarray = terms / total if kernel == "softmax_rows" else d - np.log(total)
    return result
