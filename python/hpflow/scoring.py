"""PCK under published protocols."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _hpflow
from ._arrays import count
from ._errors import Error, UsageError
from .benchmark import Benchmark, Pair
from .predictions import Predictions, _write


class Score:
    """What :func:`score` found."""

    def __init__(self, scores: _hpflow.Scores, name: str | None) -> None:
        self._scores = scores
        self._json: dict[str, Any] = json.loads(scores.json())
        if name is not None:
            for file in self._json["files"]:
                file["file"] = name

    @property
    def pck(self) -> float:
        """The mean in percent, of the one protocol and α that was scored."""
        found = self._one["all"]
        return float("nan") if found is None else float(found)

    @property
    def categories(self) -> dict[str, float | None]:
        """The mean of each category, of the one protocol and α that was scored."""
        return dict(self._one["category"])

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of :attr:`pck`; None where none was asked for, or there are too few."""
        interval = self._one.get("interval_95")
        if interval is None or interval["low"]["all"] is None:
            return None
        return interval["low"]["all"], interval["high"]["all"]

    @property
    def _one(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = [
            one for file in self._json["files"] for one in file["pck"].values()
        ]
        if len(found) != 1:
            raise UsageError(
                f"there are {len(found)} scores, of several protocols or α; use rows(), or score with one"
            )
        return found[0]

    def rows(self) -> list[dict[str, Any]]:
        """A row for each protocol, α, group and level: what ``pandas.DataFrame`` takes.

        ``group`` is "all", "category" or a factor of variation; ``pck``, ``low`` and ``high`` are in
        percent, None where there is none.
        """
        rows = []
        for file in self._json["files"]:
            for alpha, pck in file["pck"].items():
                ends = pck.get("interval_95") or {"low": {}, "high": {}}
                common = {
                    "protocol": file["protocol"],
                    "alpha": float(alpha),
                    "pairs": file["pairs"],
                }
                for group, level, value, path in _leaves(pck):
                    low, high = (_at(ends[end], path) for end in ("low", "high"))
                    rows.append(
                        common
                        | {"group": group, "level": level, "pck": value, "low": low, "high": high}
                    )
        return rows

    def dict(self) -> dict[str, Any]:
        """What ``hpflow score --format json`` prints."""
        found: dict[str, Any] = json.loads(json.dumps(self._json))
        return found

    def table(self, format: str = "text") -> str:
        """The tables as "text", "markdown", "latex" or "csv"."""
        return self._scores.table(format)

    def __repr__(self) -> str:
        means = (
            f"{row['protocol']} @ {row['alpha']}: {row['pck']}"
            for row in self.rows()
            if row["group"] == "all"
        )
        return f"<hpflow.Score {', '.join(means)}>"


def _leaves(pck: Mapping[str, Any]) -> Iterable[tuple[str, str, float | None, list[str]]]:
    for group, value in pck.items():
        if group == "interval_95":
            continue
        if group == "controlled":
            for factor, levels in value.items():
                for level, mean in levels.items():
                    yield f"controlled {factor}", level, mean, [group, factor, level]
        elif isinstance(value, Mapping):
            for level, mean in value.items():
                yield group, level, mean, [group, level]
        else:
            yield group, "", value, [group]


def _at(value: Any, path: list[str]) -> float | None:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return None if value is None else float(value)


def score(
    predictions: Predictions | Mapping[str, Any] | str | os.PathLike[str],
    benchmark: Benchmark,
    *,
    protocol: str | Iterable[str] | None = None,
    alpha: float | str | Iterable[float | str] | None = None,
    bootstrap: int = 0,
    resample: str = "images",
    seed: int = 0,
    partial: bool = False,
) -> Score:
    """Scores predictions of a benchmark.

    Args:
        predictions: A predictions file, or what was read of one, or for each pair's id its keypoints.
        benchmark: The one that was predicted, with all pairs of its split.
        protocol: Published ways of scoring (:func:`protocols`), or "all"; that of the benchmark's own
            paper where not given.
        alpha: Shares of the threshold within which a keypoint is right; the protocol's own where not
            given.
        bootstrap: Add 95 % intervals from so many resamples; none for 0.
        resample: What a resample draws, "images" or "pairs".
        seed: The same seed gives the same intervals.
        partial: Score predictions that lack pairs over those that they have.
    """
    of = _of(benchmark)
    alphas = [] if alpha is None else [alpha] if isinstance(alpha, (str, float, int)) else [*alpha]
    options = {
        "protocols": [] if protocol is None else [protocol] if isinstance(protocol, str) else [*protocol],
        "alphas": [_decimal(one) for one in alphas],
        "bootstrap": count(bootstrap, "bootstrap", 0),
        "resample": resample,
        "seed": count(seed, "seed", 0),
        "partial": bool(partial),
    }
    with _file(predictions, benchmark) as (file, name):
        return Score(_hpflow.score([file], of, options), name)


def report(
    predictions: Predictions | Mapping[str, Any] | str | os.PathLike[str],
    benchmark: Benchmark,
    out: str | os.PathLike[str],
    *,
    alpha: float | str = 0.1,
    partial: bool = False,
) -> Path:
    """Writes one HTML page with tables, charts and a browser of pairs into a folder; returns the page."""
    of = _of(benchmark)
    with _file(predictions, benchmark) as (file, _):
        return Path(_hpflow.report([file], of, os.fspath(out), _decimal(alpha), bool(partial)))


def show(
    predictions: Predictions | Mapping[str, Any] | str | os.PathLike[str],
    benchmark: Benchmark,
    pair: str | Pair,
    *,
    alpha: float | str | None = None,
) -> npt.NDArray[np.uint8]:
    """Draws a pair with the truth, as (H, W, 3) uint8: green lines are right, red ones wrong."""
    of = _of(benchmark)
    name = pair.id if isinstance(pair, Pair) else pair
    with _file(predictions, benchmark) as (file, _):
        return _hpflow.show(file, of, name, None if alpha is None else _decimal(alpha))


def _of(benchmark: Benchmark) -> tuple[str, str, str, str]:
    """What files are checked against."""
    if not isinstance(benchmark, Benchmark):
        kind = type(benchmark).__name__
        raise UsageError(f"the benchmark is a {kind}; expected hpflow.Benchmark.open(…)")
    if not benchmark.is_whole:
        raise UsageError(
            "the benchmark has a part of its split; open it without categories and limit, and score "
            "predictions that lack pairs with partial=True"
        )
    return benchmark.name, benchmark.split, os.fspath(benchmark.root), benchmark.layout


@contextmanager
def _file(
    predictions: Predictions | Mapping[str, Any] | str | os.PathLike[str], benchmark: Benchmark
) -> Iterator[tuple[str, str | None]]:
    """Predictions as a file, and what they are called where that is not the file."""
    if isinstance(predictions, (str, os.PathLike)):
        yield os.fspath(predictions), None
        return
    if not isinstance(predictions, Mapping):
        kind = type(predictions).__name__
        raise UsageError(f"predictions are a {kind}; expected a file, or keypoints by a pair's id")
    if not isinstance(predictions, Predictions):
        predictions = Predictions.of(benchmark, predictions, method={"name": "predictions"})
    name = str(predictions._path or "predictions")
    with tempfile.TemporaryDirectory(prefix="hpflow-") as folder:
        file = str(Path(folder) / "predictions.jsonl")
        _write(file, predictions._header, predictions._points)
        try:
            yield file, name
        except Error as error:
            raise type(error)(str(error).replace(file, name)) from None


def _decimal(alpha: object) -> str:
    """A share as the decimal that was written."""
    if isinstance(alpha, str):
        return alpha
    try:
        return repr(float(alpha))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise UsageError(f"alpha is {alpha!r}; expected a number such as 0.1") from None


@dataclass(frozen=True)
class Protocol:
    """A published way of scoring, as it is on a benchmark."""

    name: str
    #: Whose code it follows.
    origin: str
    benchmark: str
    #: What is compared.
    measure: str
    #: What a table entry is the mean of.
    average: str
    #: The α that it is published with.
    alphas: tuple[float, ...]
    #: What a reader of its numbers has to know.
    warnings: tuple[str, ...]


def protocols(benchmark: str | None = None) -> list[Protocol]:
    """The protocols of a benchmark, that of its own paper first; of all benchmarks where none is named."""
    names = _hpflow.benchmarks() if benchmark is None else [benchmark]
    return [
        Protocol(name, origin, of, measure, average, tuple(alphas), (warning,) if warning else ())
        for of in names
        for name, origin, measure, average, alphas, warning in _hpflow.protocols(of)
    ]
