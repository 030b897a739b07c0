"""Arrays of any library to NumPy's, with a sentence where they are something else than expected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._errors import UsageError

#: NumPy's, PyTorch's, or whatever ``numpy.asarray`` takes.
Array: TypeAlias = Any
Floats: TypeAlias = npt.NDArray[np.float32]


def is_torch(array: object) -> bool:
    """Whether it is a tensor of PyTorch, which is not imported for that."""
    return any(kind.__module__.split(".")[0] == "torch" for kind in type(array).__mro__)


def host(array: Array, what: str) -> npt.NDArray[Any]:
    """An array in the memory of the host, without a copy where that is possible."""
    if is_torch(array):
        array = array.detach()
        # NumPy has no bfloat16; float32 holds all of its numbers.
        if str(array.dtype) == "torch.bfloat16":
            array = array.float()
        array = array.cpu()
        if array.is_sparse or array.is_quantized or str(array.layout) != "torch.strided":
            raise UsageError(f"{what} is a {array.layout} tensor; expected a dense one")
        array = array.resolve_conj().resolve_neg()
    try:
        return np.asarray(array)
    except Exception as error:  # Any library's, of any kind.
        raise UsageError(f"{what} is no array: {error}; expected numbers") from error


def feature_map(array: Array, what: str) -> Floats:
    """A map (C, H, W) in float32, contiguous."""
    found = host(array, what)
    if found.dtype.newbyteorder("=") not in (np.dtype(np.float32), np.dtype(np.float16)):
        raise UsageError(
            f"{what} has dtype {found.dtype}; expected float32 or float16, so that nothing is rounded "
            "unseen"
        )
    if found.ndim != 3:
        raise UsageError(f"{what} has shape {found.shape}; expected (C, H, W), of one photograph")
    if found.size == 0:
        raise UsageError(f"{what} has shape {found.shape} and is empty; expected numbers")
    return np.ascontiguousarray(found, np.float32)


def points(array: Array, what: str, *, missing: bool = False) -> Floats:
    """Points (N, 2) in float32, contiguous; NaN only where points may be missing."""
    found = numbers(array, what)
    if found.ndim != 2 or found.shape[1] != 2:
        raise UsageError(f"{what} has shape {found.shape}; expected (N, 2), x and y of each point")
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(found, np.float32)
    if not missing and not np.isfinite(single).all():
        at = int(np.argmin(np.isfinite(single).all(1)))
        raise UsageError(f"{what}: point {at} is {found[at].tolist()}; expected finite numbers")
    return single


def numbers(array: Array, what: str) -> npt.NDArray[Any]:
    """An array of real numbers."""
    found = host(array, what)
    if found.dtype.kind not in "fiu":
        raise UsageError(f"{what} has dtype {found.dtype}; expected real numbers")
    return found


def two(value: object, what: str, expected: str) -> tuple[float, float]:
    """One number for both axes, or x and y."""
    try:
        if isinstance(value, Iterable):
            x, y = value
        else:
            x = y = value
        both = (float(x), float(y))  # type: ignore[arg-type, unused-ignore]
    except (TypeError, ValueError):
        raise UsageError(f"{what} is {value!r}; expected {expected}") from None
    with np.errstate(over="ignore"):
        if not np.isfinite(np.asarray(both, np.float32)).all():
            raise UsageError(f"{what} is {value!r}; expected finite numbers")
    return both


def size(value: object, what: str) -> tuple[int, int]:
    """Width and height in whole pixels."""
    try:
        width, height = (whole(side) for side in value)  # type: ignore[attr-defined]
    except (AttributeError, TypeError, ValueError):
        width = height = 0
    if not (0 < width < 2**31 and 0 < height < 2**31):
        raise UsageError(f"{what} is {value!r}; expected (width, height) in whole pixels above 0")
    return width, height


def whole(value: object) -> int:
    """A whole number, of whatever type.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, bool):
        raise TypeError
    return value.__index__()  # type: ignore[attr-defined, no-any-return]


def count(value: object, what: str, least: int) -> int:
    """A whole number that is no smaller than ``least``."""
    try:
        number = whole(value)
    except (AttributeError, TypeError):
        number = -1
    if not least <= number < 2**32:
        raise UsageError(f"{what} is {value!r}; expected a whole number from {least} on")
    return number
