"""logsumexp, softmax and log_softmax for those who just want the result, by any backend.

The meaning is SciPy's for real input; the work is done by the best CPU backend that is installed.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import registry
from .backend import Backend

Axis = int | Sequence[int] | None
_FAST = {np.dtype("float64"): np.float64, np.dtype("float32"): np.float32}


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
        Real numbers of any shape: float64, float32, float16, integers or bool (the last two are
        taken as float64). Strided, read-only and big-endian arrays and lists are accepted.
    axis : None, int or tuple of ints
        What is summed over; None is everything.
    b : array_like, optional
        Real weights, broadcast against `a`; they may be zero or negative.
    keepdims : bool
        Keep the axes summed over, with length 1.
    return_sign : bool
        Return also the sign of the sum. Without it a negative sum gives nan.
    backend : str, optional
        One of :func:`lsekernels.backends`; by default the best CPU backend that is installed.

    Returns
    -------
    numpy scalar or array
        Of the dtype of `a` (and `b`). -inf for an empty sum, nan where there is a nan.
    sign : numpy scalar or array
        1, 0 or -1 (or nan); only with `return_sign`.

    Raises
    ------
    TypeError, ValueError
        `a` or `b` does not hold real numbers of at most 64 bits, or `backend` is not known.
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
    if type(a) is np.ndarray and a.ndim == 1 and b is None:
        scalar = _FAST.get(a.dtype)  # also native: another byte order is another dtype
        flags = a.flags
        if (
            scalar
            and axis in (None, 0, -1)
            and not (keepdims or return_sign)
            and a.size
            and flags.c_contiguous
            and flags.aligned
        ):
            result = implementation.logsumexp(implementation.to_device(a))  # type: ignore[attr-defined]
            return scalar(implementation.to_host(result))
    array, dtype = _real(a, "a")
    array = array.reshape(1) if array.ndim == 0 else array  # as SciPy; it shows with keepdims
    if b is not None:
        weights, weights_dtype = _real(b, "b")
        if not isinstance(b, (int, float)):  # a Python number does not widen
            dtype = np.result_type(dtype, weights_dtype)
        work = np.promote_types(dtype, "f4")
        array, weights = np.broadcast_arrays(array.astype(work), weights.astype(work))
        axes = _axes(axis, array.ndim)
        total, sign = _weighted(implementation, array, weights, axes)
        if not return_sign:
            total = np.where(sign < 0, np.nan, total)
    else:
        axes = _axes(axis, array.ndim)
        total = _reduce(implementation, array, axes)
        sign = np.where(np.isnan(total), total, np.where(total == -np.inf, 0, 1).astype(dtype))
    if keepdims:
        shape = tuple(1 if i in axes else n for i, n in enumerate(array.shape))
        total, sign = total.reshape(shape), sign.reshape(shape)
    total, sign = total.astype(dtype, copy=False)[()], sign.astype(dtype, copy=False)[()]
    return (total, sign) if return_sign else total


def softmax(a: Any, axis: Axis = -1, *, backend: str | None = None) -> Any:
    """Return exp(a) / sum(exp(a)), summed over `axis` (None: over everything).

    Parameters, errors and dtypes as for :func:`logsumexp`. Where a sum contains nan or inf, or
    nothing but -inf, all of it is nan.

    Examples
    --------
    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    return _map("softmax_rows", a, axis, backend)


def log_softmax(a: Any, axis: Axis = -1, *, backend: str | None = None) -> Any:
    """Return the logarithm of :func:`softmax`, exact also where that is 0 or 1.

    Examples
    --------
    >>> log_softmax([0.0, -1000.0]).tolist()
    [0.0, -1000.0]
    """
    return _map("log_softmax_rows", a, axis, backend)


# -- shapes and dtypes ----------------------------------------------------------------------------


def _real(values: Any, name: str) -> tuple[np.ndarray, np.dtype[Any]]:
    """Return `values` in the dtype it is computed in, and the dtype of the result."""
    wanted = f"{name} must hold real numbers of at most 64 bits"
    try:
        array = np.asarray(values)
    except ValueError as error:  # ragged lists
        raise ValueError(f"{wanted}; {error}") from None
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind not in "fiub" or size > 8:
        raise TypeError(f"{wanted}, not of {array.dtype}")
    dtype = np.dtype(f"f{size}") if kind == "f" else np.dtype("f8")
    return array.astype(np.promote_types(dtype, "f4"), copy=False), dtype


def _axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, Sequence) else (axis,)
    axes = [operator.index(i) for i in given]
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


def _reduce(backend: Backend, array: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    rows, shape = _rows(array, axes)
    if rows.size == 0:
        result = np.full(len(rows), -np.inf, array.dtype)
    elif len(rows) > 1 and "logsumexp_rows" in backend.kernels():
        result = np.asarray(_call(backend, "logsumexp_rows", rows))
    else:
        result = np.array([_call(backend, "logsumexp", row) for row in rows])
    return result.astype(array.dtype, copy=False).reshape(shape[: array.ndim - len(axes)])


def _weighted(
    backend: Backend, array: np.ndarray, weights: np.ndarray, axes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return log|sum(weights * exp(array))| and the sign of the sum."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # A weight of zero silences even inf and nan, as in SciPy.
        terms = np.where(weights == 0, -np.inf, array + np.log(np.abs(weights)))
    plus = _reduce(backend, np.where(weights < 0, -np.inf, terms), axes)
    if not (weights < 0).any():
        sign = np.where(np.isnan(plus), plus, np.where(plus == -np.inf, 0, 1))
        return plus, sign
    minus = _reduce(backend, np.where(weights < 0, terms, -np.inf), axes)
    with np.errstate(invalid="ignore", divide="ignore"):
        larger, gap = np.maximum(plus, minus), np.abs(plus - minus)
        total = np.where(np.isinf(larger), larger, larger + np.log(-np.expm1(-gap)))
        sign = np.sign(plus - minus)
    both = (plus == minus) & np.isinf(plus)  # nothing on either side, or inf - inf
    total = np.where(both & (plus > 0), np.nan, total)
    sign = np.where(both, np.where(plus > 0, np.nan, 0), sign)
    return total, sign


def _map(kernel: str, a: Any, axis: Axis, backend: str | None) -> Any:
    implementation = registry.best(kernel) if backend is None else registry.load(backend)
    if kernel not in implementation.kernels():
        known = ", ".join(registry.names(kernel))
        raise ValueError(f"backend {implementation.name!r} has no {kernel}. Those that do: {known}")
    array, dtype = _real(a, "a")
    axes = _axes(axis, array.ndim)
    rows, shape = _rows(array, axes)
    result = rows if rows.size == 0 else np.asarray(_call(implementation, kernel, rows))
    kept = [i for i in range(array.ndim) if i not in axes]
    back = np.argsort([*kept, *axes])
    return result.reshape(shape).transpose(back).astype(dtype, order="C", copy=False)[()]
