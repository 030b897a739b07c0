"""Predictions files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import _hpflow
from ._arrays import Array, Floats, points
from ._errors import UsageError
from .benchmark import Benchmark


class Predictions(Mapping[str, Floats]):
    """From a pair's id to its predicted keypoints (N, 2), NaN where there is none.

    The arrays cannot be written to. :meth:`of` makes them, :func:`read_predictions` reads them.
    """

    def __init__(self) -> None:
        raise UsageError("predictions are made with hpflow.Predictions.of(…), or read from a file")

    _header: str
    _points: dict[str, Floats]
    _path: Path | None

    @classmethod
    def of(
        cls,
        benchmark: Benchmark,
        keypoints: Mapping[str, Array],
        *,
        method: Mapping[str, Any],
    ) -> Predictions:
        """Predictions of your own: for each pair's id its keypoints (N, 2) in original pixels.

        ``method`` is everything that decides the numbers, with a ``"name"``; files say it.
        """
        if not isinstance(method, Mapping) or not isinstance(method.get("name"), str):
            raise UsageError(f'method is {method!r}; expected fields with a name, {{"name": "mine", …}}')
        found: dict[str, Floats] = {}
        missing = set(keypoints)
        for pair in benchmark:
            if pair.id not in keypoints:
                continue
            missing.remove(pair.id)
            what = f"keypoints of pair {pair.id}"
            one = points(keypoints[pair.id], what, missing=True)
            if len(one) != len(pair.source_keypoints):
                raise UsageError(
                    f"{what} are {len(one)}, and it has {len(pair.source_keypoints)}; give one for each, "
                    "NaN where there is none"
                )
            found[pair.id] = one.copy()
        if missing:
            raise UsageError(
                f"there is no pair {min(missing, key=str)!r} in {benchmark.name} {benchmark.split}; give "
                "ids of its pairs"
            )
        try:
            about = json.dumps(dict(method), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UsageError(f"method cannot be written as JSON: {error}") from None
        return cls._made(_hpflow.header(benchmark.name, benchmark.split, about), found, None)

    @classmethod
    def _made(cls, header: str, found: dict[str, Floats], path: Path | None) -> Predictions:
        self = cls.__new__(cls)
        self._header, self._points, self._path = header, found, path
        for one in found.values():
            one.flags.writeable = False
        return self

    @property
    def header(self) -> dict[str, Any]:
        """The first line of the file: benchmark, split, method."""
        header: dict[str, Any] = json.loads(self._header)
        return header

    def __getitem__(self, pair: str) -> Floats:
        return self._points[pair]

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)

    def __repr__(self) -> str:
        header = self.header
        return f"<hpflow.Predictions of {header['benchmark']} {header['split']}: {len(self)} pairs>"


def read_predictions(path: str | os.PathLike[str]) -> Predictions:
    """Reads a predictions file."""
    header, ids, counts, flat = _hpflow.read_predictions(os.fspath(path))
    ends = np.cumsum(counts, dtype=np.intp)
    found = dict(zip(ids, np.split(flat, ends[:-1]) if ids else [], strict=True))
    if len(found) != len(ids):
        twice = next(one for at, one in enumerate(ids) if one in ids[:at])
        raise UsageError(f"{os.fspath(path)}: pair {twice} is there twice; leave one of them out")
    return Predictions._made(header, found, Path(path))


def write_predictions(path: str | os.PathLike[str], predictions: Predictions) -> None:
    """Writes a predictions file, which gets its name when it is complete."""
    if not isinstance(predictions, Predictions):
        kind = type(predictions).__name__
        raise UsageError(f"predictions are a {kind}; expected hpflow.Predictions.of(…)")
    _write(os.fspath(path), predictions._header, predictions._points)


def _write(path: str, header: str, found: Mapping[str, Floats]) -> None:
    arrays: Iterable[Floats] = found.values()
    flat = np.concatenate([np.empty((0, 2), np.float32), *arrays])
    _hpflow.write_predictions(path, header, list(found), [len(one) for one in found.values()], flat)
