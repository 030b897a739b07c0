"""PCK in a training loop, without a benchmark."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from . import _hpflow
from ._arrays import Array, host, numbers
from ._errors import UsageError
from .scoring import _decimal


class PCK:
    """PCK of batches, summed as they come.

    Args:
        alpha: The share of the threshold within which a keypoint is right.
        average: "image", the mean over pairs of each one's share; "point", over all keypoints;
            "category", the mean over categories of their means over pairs.

    Sums are of whole numbers: the order of batches changes no bit. Distances are compared as
    :func:`hpflow.score` does.
    """

    def __init__(self, alpha: float | str = 0.1, *, average: str = "image") -> None:
        self._pck = _hpflow.Pck(_decimal(alpha), average)

    def update(
        self,
        predicted: Array,
        target: Array,
        *,
        threshold: Array | None = None,
        box: Array | None = None,
        mask: Array | None = None,
        category: Iterable[str] | None = None,
    ) -> None:
        """Counts a batch.

        Args:
            predicted: (B, N, 2); NaN is wrong.
            target: (B, N, 2), in the same pixels.
            threshold: (B,), the length that α is a share of.
            box: (B, 4), instead: its longer side.
            mask: (B, N), false for keypoints that there are not (padding); what is there is not looked
                at. All are there where not given.
            category: (B,), needed for ``average="category"``.
        """
        found, truth = (
            numbers(array, what) for array, what in ((predicted, "predicted"), (target, "target"))
        )
        if truth.ndim != 3 or truth.shape[2] != 2:
            raise UsageError(f"target has shape {truth.shape}; expected (B, N, 2)")
        if found.shape != truth.shape:
            raise UsageError(f"predicted has shape {found.shape}, target {truth.shape}; expected one shape")
        batch, keypoints = truth.shape[:2]
        if (threshold is None) == (box is None):
            raise UsageError("give threshold or box, and not both")
        if box is not None:
            sides = numbers(box, "box").astype(np.float64)
            if sides.shape != (batch, 4):
                raise UsageError(f"box has shape {sides.shape}; expected ({batch}, 4)")
            lengths = np.maximum(sides[:, 2] - sides[:, 0], sides[:, 3] - sides[:, 1])
        else:
            lengths = numbers(threshold, "threshold").astype(np.float64)
            if lengths.ndim == 0:
                lengths = np.full(batch, lengths)
            if lengths.shape != (batch,):
                raise UsageError(f"threshold has shape {lengths.shape}; expected ({batch},)")
        if mask is None:
            there = np.ones((batch, keypoints), bool)
        else:
            there = host(mask, "mask")
            if there.dtype != bool or there.shape != (batch, keypoints):
                raise UsageError(
                    f"mask is {there.dtype} of shape {there.shape}; expected bool of shape "
                    f"({batch}, {keypoints})"
                )
        names = [""] * batch if category is None else [str(one) for one in category]
        if len(names) != batch:
            raise UsageError(f"there are {len(names)} categories for {batch} pairs; give one for each")
        if category is None and self._pck.needs_category:
            raise UsageError("the mean is over categories; give category, one for each pair")
        with np.errstate(over="ignore", invalid="ignore"):
            guess = np.ascontiguousarray(found, np.float32)
            right = np.ascontiguousarray(truth, np.float32)
        self._pck.update(guess, right, np.ascontiguousarray(there), lengths.tolist(), names)

    def compute(self) -> float:
        """The mean in percent; NaN where nothing was counted."""
        return self._pck.compute()

    def reset(self) -> None:
        """Forgets what was counted."""
        self._pck.reset()

    def merge(self, other: PCK) -> None:
        """Adds what another one of the same α and mean counted."""
        self._pck.merge(other._pck)
