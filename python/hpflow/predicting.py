"""Whole benchmarks with a network or a method of your own."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _hpflow
from ._arrays import Array, count, feature_map, points, size, two
from ._errors import UsageError
from .benchmark import Benchmark, Pair
from .matching import Geometry, Pair2, _list, _quiet, _ratio
from .predictions import Predictions, read_predictions

Progress = bool | Callable[[int, int], object]


def read_image(path: str | os.PathLike[str]) -> npt.NDArray[np.uint8]:
    """The pixels (H, W, 3) of a photograph that published code sees: Pillow's ``convert("RGB")``."""
    return _hpflow.read_image(os.fspath(path))


@dataclass(frozen=True)
class Photograph:
    """A photograph whose feature maps are wanted."""

    #: What it is known by in its benchmark.
    name: str
    path: Path
    #: Width and height.
    original_size: tuple[int, int]

    def array(self) -> npt.NDArray[np.uint8]:
        """Its pixels (H, W, 3): :func:`read_image`."""
        return read_image(self.path)


@dataclass(frozen=True, eq=False)
class Features:
    """A photograph's feature maps: see :class:`hpflow.Hyperimage`."""

    maps: Sequence[Array] = field(repr=False)
    #: Width and height of the photograph as the network saw it, without padding.
    size: tuple[int, int]
    #: ``size`` over the original size; computed where not given.
    ratio: float | Pair2 | None = None
    #: Where the photograph's first pixel is in what the network saw: the padding before it.
    offset: float | Pair2 = (0.0, 0.0)


def predict(
    benchmark: Benchmark,
    features: Callable[[list[Photograph]], Sequence[Features]],
    *,
    strides: Sequence[int],
    geometry: Geometry,
    method: Mapping[str, Any],
    out: str | os.PathLike[str] | None = None,
    engine: str = "auto",
    adapter: str | None = None,
    precision: str = "f32",
    batch: int = 8,
    resume: bool = False,
    keep_going: bool = False,
    progress: Progress = True,
) -> Predictions:
    """Predicts a benchmark by Hyperpixel Flow on the maps of your own network.

    Args:
        features: Is given up to ``batch`` photographs, each once and category by category, and returns
            the :class:`Features` of each, in that order. It is called in this thread, while the engine
            matches in another. What it raises stops the work.
        strides: Of the maps, as in :class:`hpflow.Hyperimage`.
        geometry: Of the first map.
        method: Everything that decides the maps, with a ``"name"``, for the file's header.
        out: The predictions file. Until it is complete its lines are in ``out`` + ``.partial``.
        resume: Continue ``out``; the result is that of a run that was not stopped.
        keep_going: Leave pairs unanswered whose photographs cannot be used.
        progress: Show how far it has come on a terminal, or call this with pairs done and in all.
    """
    if not isinstance(geometry, Geometry):
        raise UsageError(f"geometry is {geometry!r}; expected hpflow.Geometry(…)")
    of_maps = [count(one, "a stride", 1) for one in _list(strides, "strides")]
    _quiet()

    def give(asked: list[tuple[str, Path, tuple[int, int] | None]]) -> list[object]:
        given: list[object] = []
        photographs: list[Photograph] = []
        for name, path, known in asked:
            seen = known or (read_image(path).shape[1::-1])
            photographs.append(Photograph(name, Path(path), (seen[0], seen[1])))
        found = features(photographs)
        if isinstance(found, Features) or not hasattr(found, "__len__"):
            raise UsageError(f"features returned a {type(found).__name__}; expected a list")
        if len(found) != len(photographs):
            raise UsageError(
                f"features returned {len(found)} for {len(photographs)} photographs; expected one for each"
            )
        for photograph, one in zip(photographs, found, strict=True):
            if not isinstance(one, Features):
                raise UsageError(f"features returned a {type(one).__name__}; expected hpflow.Features")
            maps = _list(one.maps, "maps")
            if len(maps) != len(of_maps):
                raise UsageError(
                    f"{photograph.name}: there are {len(maps)} maps and {len(of_maps)} strides; give one "
                    "for each map"
                )
            arrays = [
                (feature_map(each, f"{photograph.name}: map {at}"), stride)
                for at, (each, stride) in enumerate(zip(maps, of_maps, strict=True))
            ]
            seen = size(one.size, "size")
            original = photograph.original_size if one.ratio is None else None
            ratio = _ratio(seen, original, one.ratio)
            given.append((arrays, seen, ratio, two(one.offset, "offset", "pixels, x and y")))
        return given

    settings = {
        "geometry": (
            int(geometry.jump),
            int(geometry.receptive_field),
            two(geometry.offset, "offset", "pixels"),
        ),
        "engine": engine,
        "adapter": adapter,
        "precision": precision,
        "batch": count(batch, "batch", 1),
    }

    def run(path: str, options: dict[str, Any]) -> tuple[int, list[tuple[str, str]], list[str]]:
        return _hpflow.predict_maps(benchmark._of, give, path, settings, options)

    return _predict(benchmark, method, out, resume, keep_going, progress, run)


def predict_pairs(
    benchmark: Benchmark,
    predict_pair: Callable[[Pair], Array],
    *,
    method: Mapping[str, Any],
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: Progress = True,
) -> Predictions:
    """Predicts a benchmark by any method at all.

    Args:
        predict_pair: Returns the keypoints (N, 2) of a pair in original pixels of the target, one for
            each of ``pair.source_keypoints``, NaN where there is none. What it raises stops the work.
        method: Everything that decides the numbers, with a ``"name"``, for the file's header.

    The rest is as in :func:`predict`.
    """

    def give(at: int) -> Array:
        pair = benchmark[at]
        what = f"what was predicted of pair {pair.id}"
        found = points(predict_pair(pair), what, missing=True)
        if len(found) != len(pair.source_keypoints):
            raise UsageError(
                f"{what} are {len(found)} points, and it has {len(pair.source_keypoints)} keypoints; give "
                "one for each, NaN where there is none"
            )
        return found

    def run(path: str, options: dict[str, Any]) -> tuple[int, list[tuple[str, str]], list[str]]:
        return _hpflow.predict_pairs(benchmark._of, give, path, options)

    return _predict(benchmark, method, out, resume, False, progress, run)


def _predict(
    benchmark: Benchmark,
    method: Mapping[str, Any],
    out: str | os.PathLike[str] | None,
    resume: bool,
    keep_going: bool,
    progress: Progress,
    run: Callable[[str, dict[str, Any]], tuple[int, list[tuple[str, str]], list[str]]],
) -> Predictions:
    if not isinstance(method, Mapping) or not isinstance(method.get("name"), str):
        raise UsageError(f'method is {method!r}; expected fields with a name, {{"name": "mine", …}}')
    try:
        about = json.dumps(dict(method), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"method cannot be written as JSON: {error}") from None
    if resume and out is None:
        raise UsageError("there is no file to resume; give out")
    _, _, _, layout, categories, limit = benchmark._arguments
    selection: dict[str, Any] = {"layout": layout} if layout != "large" else {}
    if categories:
        selection["categories"] = categories
    if limit is not None:
        selection["limit"] = limit
    options = {
        "method": about,
        "selection": json.dumps(selection),
        "resume": bool(resume),
        "keep_going": bool(keep_going),
        "progress": _told(progress),
    }
    with tempfile.TemporaryDirectory(prefix="hpflow-") as folder:
        path = os.fspath(out) if out is not None else str(Path(folder) / "predictions.jsonl")
        if out is not None and path == "-":
            raise UsageError("out is -, standard output; give a file")
        _, unusable, too_large = run(path, options)
        found = read_predictions(path)
        if out is None:
            found._path = None
    left = [reason for _, reason in unusable] + too_large
    if left:
        import warnings

        more = f", and {len(left) - 1} more like it" if len(left) > 1 else ""
        warnings.warn(f"pairs are unanswered: {left[0]}{more}", stacklevel=3)
    return found


def _told(progress: Progress) -> Callable[[int, int], object] | None:
    if callable(progress):
        return progress
    if not progress or not sys.stderr.isatty():
        return None

    def tell(done: int, total: int) -> None:
        sys.stderr.write(f"\rpairs {done}/{total}" + ("\n" if done == total else ""))
        sys.stderr.flush()

    return tell


