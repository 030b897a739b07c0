"""Feature maps of any network to keypoints and dense flow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from . import _hpflow
from ._arrays import Array, Floats, count, feature_map, points, size, two
from ._errors import UsageError

Pair2 = tuple[float, float]


def _quiet() -> None:
    """Mesa's device-selection layer complains where there is no desktop session."""
    if "XDG_RUNTIME_DIR" not in os.environ:
        os.environ.setdefault("NODEVICE_SELECT", "1")


@dataclass(frozen=True)
class Geometry:
    """Where the cells of the first map are, in pixels that the network saw."""

    #: Pixels between neighbouring cells.
    jump: int
    #: Side of the receptive field.
    receptive_field: int
    #: Centre of the first cell along x and y: 0 for the published layers, (patch - 1) / 2 for patches.
    offset: float | Pair2 = 0.0

    def __post_init__(self) -> None:
        count(self.jump, "jump", 1)
        count(self.receptive_field, "receptive_field", 1)
        two(self.offset, "offset", "pixels, or x and y of them")


class Hyperimage:
    """A photograph as hyperpixels, made once and matched as often as wanted.

    Args:
        maps: The layers' maps (C, H, W), float32 or float16. The first is the base, on whose grid the
            hyperpixels are.
        strides: Pixels that the network saw between neighbouring cells, for each map. Maps of one
            stride have one height and width.
        geometry: Of the first map.
        size: Width and height of the photograph as the network saw it, without padding.
        original_size: Width and height of the photograph itself, in whose pixels keypoints are.
        ratio: ``size`` over the original size, for both axes or for x and y; from ``original_size``
            where not given. One of the two is needed.
        offset: Where the photograph's first pixel is in what the network saw: the padding before it.
        precision: How maps are stored, "f32" or "f16"; the matcher's must be the same.
    """

    def __init__(
        self,
        maps: Sequence[Array],
        *,
        strides: Sequence[int],
        geometry: Geometry,
        size: tuple[int, int],
        original_size: tuple[int, int] | None = None,
        ratio: float | Pair2 | None = None,
        offset: float | Pair2 = (0.0, 0.0),
        precision: str = "f32",
    ) -> None:
        if not isinstance(geometry, Geometry):
            raise UsageError(f"geometry is {geometry!r}; expected hpflow.Geometry(…)")
        arrays = [feature_map(one, f"map {at}") for at, one in enumerate(_list(maps, "maps"))]
        of_maps = [count(one, "a stride", 1) for one in _list(strides, "strides")]
        if len(arrays) != len(of_maps):
            raise UsageError(
                f"there are {len(arrays)} maps and {len(of_maps)} strides; give one for each map"
            )
        seen = _size(size, "size")
        jump, field = geometry.jump, geometry.receptive_field
        first = two(geometry.offset, "offset", "pixels")
        self._image = _hpflow.Hyperimage(
            arrays,
            of_maps,
            (int(jump), int(field), first),
            seen,
            _ratio(seen, original_size, ratio),
            two(offset, "offset", "pixels, or x and y of them"),
            precision,
        )

    @property
    def hyperpixels(self) -> int:
        """How many there are."""
        return self._image.hyperpixels

    @property
    def nbytes(self) -> int:
        """The memory of maps and norms."""
        return self._image.nbytes

    @property
    def precision(self) -> str:
        """How maps are stored: "f32" or "f16"."""
        return self._image.precision


_size = size


def _ratio(
    seen: tuple[int, int], original: tuple[int, int] | None, ratio: float | Pair2 | None
) -> Pair2:
    """Pixels that the network saw over original ones, x and y."""
    if ratio is None and original is None:
        raise UsageError(
            "neither original_size nor ratio is given, so keypoints are in unknown pixels; give "
            "original_size"
        )
    if ratio is not None and original is not None:
        raise UsageError("original_size and ratio say the same; give one of them")
    if original is not None:
        import numpy as np

        # In single precision, as the command divides them.
        sides = zip(seen, _size(original, "original_size"), strict=True)
        x, y = (float(np.float32(side) / np.float32(whole)) for side, whole in sides)
        return x, y
    return two(ratio, "ratio", "a number, or one for each of x and y")


def _list(value: object, what: str) -> list[Any]:
    # One array is a sequence too, of arrays with one axis less.
    if isinstance(value, (str, bytes)) or hasattr(value, "shape") or not isinstance(value, Iterable):
        raise UsageError(f"{what} is a {type(value).__name__}; expected a list with one for each layer")
    return list(value)


class Matcher:
    """Matches hyperimages. It may be used by several threads, which take turns.

    Args:
        engine: "cpu", "gpu", or "auto": a hardware GPU where there is one, else the CPU.
        adapter: A part of the name of a GPU, where there are several (:func:`devices`).
        precision: That of the hyperimages, "f32" or "f16".
    """

    def __init__(
        self, engine: str = "auto", adapter: str | None = None, precision: str = "f32"
    ) -> None:
        _quiet()
        self._matcher = _hpflow.Matcher(engine, adapter, precision)

    @property
    def name(self) -> str:
        """The engine: "cpu" or "gpu"."""
        return self._matcher.name

    @property
    def adapter(self) -> str:
        """Its device in words."""
        return self._matcher.adapter

    @property
    def precision(self) -> str:
        """That of the hyperimages that it takes."""
        return self._matcher.precision

    def match(self, source: Hyperimage, target: Hyperimage, keypoints: Array) -> Floats:
        """Finds keypoints (N, 2) of the source in the target, both in original pixels.

        NaN where a keypoint is in no hyperpixel.
        """
        return self.match_many([(source, target, keypoints)])[0]

    def match_many(self, pairs: Iterable[tuple[Hyperimage, Hyperimage, Array]]) -> list[Floats]:
        """:meth:`match` of many pairs; a pair and its mirror, side by side, cost little more than one."""
        checked = []
        for at, pair in enumerate(pairs):
            try:
                source, target, keypoints = pair
            except (TypeError, ValueError):
                raise UsageError(
                    f"pair {at} is no (source, target, keypoints); expected two hyperimages and points"
                ) from None
            of = f"of pair {at}"
            images = self._image(source, f"the source {of}"), self._image(target, f"the target {of}")
            checked.append((*images, points(keypoints, f"keypoints {of}")))
        return self._matcher.match_many(checked)

    def flow(self, source: Hyperimage, target: Hyperimage, size: tuple[int, int]) -> Floats:
        """For each original pixel of the source, the way to its place in the target: (H, W, 2).

        ``size`` is the source's original width and height. NaN where there is no match.
        """
        images = self._image(source, "the source"), self._image(target, "the target")
        return self._matcher.flow(*images, _size(size, "size"))

    def _image(self, value: object, what: str) -> _hpflow.Hyperimage:
        if not isinstance(value, Hyperimage):
            raise UsageError(f"{what} is a {type(value).__name__}; expected an hpflow.Hyperimage")
        if value.precision != self.precision:
            raise UsageError(
                f"{what} is in {value.precision} and the matcher in {self.precision}; make both in one"
            )
        return value._image


def match(
    source_maps: Sequence[Array],
    target_maps: Sequence[Array],
    keypoints: Array,
    *,
    strides: Sequence[int],
    geometry: Geometry,
    sizes: Sequence[tuple[int, int]],
    original_sizes: Sequence[tuple[int, int]] | None = None,
    ratios: Sequence[float | Pair2] | None = None,
    offsets: Sequence[float | Pair2] = ((0.0, 0.0), (0.0, 0.0)),
    engine: str = "auto",
    adapter: str | None = None,
    precision: str = "f32",
) -> Floats:
    """Finds keypoints (N, 2) of the source in the target, from the maps of both.

    ``sizes``, ``original_sizes``, ``ratios`` and ``offsets`` are of the source and of the target. See
    :class:`Hyperimage` and :class:`Matcher`, which are faster for photographs in many pairs.
    """
    maps = source_maps, target_maps
    each: dict[str, list[Any]] = {}
    for name, both in {
        "sizes": sizes,
        "original_sizes": original_sizes,
        "ratios": ratios,
        "offsets": offsets,
    }.items():
        each[name] = [None, None] if both is None else list(both)
        if len(each[name]) != 2:
            raise UsageError(f"{name} is {both!r}; expected two, of the source and of the target")
    images = [
        Hyperimage(
            maps[at],
            strides=strides,
            geometry=geometry,
            size=each["sizes"][at],
            original_size=each["original_sizes"][at],
            ratio=each["ratios"][at],
            offset=each["offsets"][at],
            precision=precision,
        )
        for at in (0, 1)
    ]
    source, target = images
    return Matcher(engine, adapter, precision).match(source, target, keypoints)


def devices() -> list[dict[str, Any]]:
    """The GPU adapters that there are, the one that is chosen first.

    Each has ``name``, ``kind``, ``backend``, ``driver``, ``bus``, ``hardware`` (whether ``engine="auto"``
    takes it), ``tensor_cores`` and ``unsuitable`` (why it cannot be used, or None).
    """
    _quiet()
    return _hpflow.devices()


def set_threads(threads: int) -> None:
    """Uses so many threads of the processor from now on; as many as it has cores for 0."""
    _hpflow.set_threads(min(count(threads, "threads", 0), 1024))
