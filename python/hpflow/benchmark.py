"""Benchmarks as they are distributed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

from . import _hpflow
from ._arrays import count
from ._errors import UsageError

if TYPE_CHECKING:
    from ._arrays import Floats

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Image:
    """A photograph of a benchmark."""

    #: What it is known by: its path below the benchmark's photographs.
    name: str
    #: Its file.
    path: Path
    #: Width and height, where annotations or the file give them.
    size: tuple[int, int] | None


class Variation(NamedTuple):
    """SPair-71k's labels of a pair, as numbers."""

    #: 0 easy, 1 medium, 2 hard.
    viewpoint: int
    #: 0 easy, 1 medium, 2 hard.
    scale: int
    #: 0 none, 1 source, 2 target, 3 both.
    truncation: int
    #: 0 none, 1 source, 2 target, 3 both.
    occlusion: int


@dataclass(frozen=True, eq=False)
class Pair:
    """Two photographs of one category with corresponding keypoints."""

    #: The pair's name in predictions files.
    id: str
    category: str
    source: Image
    target: Image
    #: (N, 2) in original pixels of the source.
    source_keypoints: Floats = field(repr=False)
    #: (N, 2) in original pixels of the target. Caltech-101 has outlines, whose points do not correspond.
    target_keypoints: Floats = field(repr=False)
    #: Empty where numbers do.
    keypoint_names: tuple[str, ...] = field(repr=False)
    #: The object in the source.
    source_box: Box | None
    #: The object in the target.
    target_box: Box | None
    variation: Variation | None


class Benchmark(Sequence[Pair]):
    """The pairs of one split: a sequence of :class:`Pair`, which a DataLoader takes as it is."""

    def __init__(self) -> None:
        raise UsageError("a benchmark is opened with hpflow.Benchmark.open(kind, root)")

    @classmethod
    def open(
        cls,
        kind: str,
        root: str | os.PathLike[str],
        *,
        split: str = "test",
        layout: str = "large",
        categories: Iterable[str] | None = None,
        limit: int | None = None,
    ) -> Benchmark:
        """Opens the benchmark in a folder.

        Args:
            kind: "spair", "pf-willow", "pf-pascal", "caltech-101", "tss" or "spair-json".
            root: The folder, as it is distributed.
            split: "trn", "val" or "test".
            layout: Which of SPair-71k's lists of pairs, "large" or "small".
            categories: Only pairs of these.
            limit: The first pairs only.
        """
        if isinstance(categories, str):
            categories = [categories]
        if limit is not None:
            limit = count(limit, "limit", 1)
        path = os.fspath(root)
        wanted = [] if categories is None else list(categories)
        self = cls.__new__(cls)
        self._arguments = (kind, path, split, layout, wanted, limit)
        self._of = _hpflow.Benchmark(kind, path, split, layout, wanted, limit)
        self._images = [Image(name, Path(file), size) for name, file, size in self._of.images]
        return self

    _arguments: tuple[str, str, str, str, list[str], int | None]
    _of: _hpflow.Benchmark
    _images: list[Image]

    @property
    def name(self) -> str:
        """Its kind, such as "spair"."""
        return self._of.name

    @property
    def split(self) -> str:
        """Which split it is."""
        return self._of.split

    @property
    def root(self) -> Path:
        """The folder that was given."""
        return Path(self._arguments[1])

    @property
    def layout(self) -> str:
        """Which list of pairs it is, "large" or "small"."""
        return self._arguments[3]

    @property
    def is_whole(self) -> bool:
        """Whether it has all pairs of its split."""
        return not self._arguments[4] and self._arguments[5] is None

    @property
    def images(self) -> list[Image]:
        """The photographs, in order of first use."""
        return list(self._images)

    def __len__(self) -> int:
        return len(self._of)

    @overload
    def __getitem__(self, index: int) -> Pair: ...
    @overload
    def __getitem__(self, index: slice) -> list[Pair]: ...
    def __getitem__(self, index: int | slice) -> Pair | list[Pair]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index.__index__()
        if not -len(self) <= at < len(self):
            raise IndexError(f"pair {at} was asked for, and there are {len(self)}")
        row = self._of.pair(at % len(self))
        pair, category, source, target, here, there, names, source_box, target_box, variation = row
        return Pair(
            pair,
            category,
            self._images[source],
            self._images[target],
            here,
            there,
            tuple(names),
            None if source_box is None else _box(source_box),
            None if target_box is None else _box(target_box),
            None if variation is None else Variation(*variation),
        )

    def __iter__(self) -> Iterator[Pair]:
        return (self[at] for at in range(len(self)))

    def __repr__(self) -> str:
        return f"<hpflow.Benchmark {self.name} {self.split}: {len(self)} pairs, {self.root}>"

    # Another process opens it again.
    def __reduce__(self) -> tuple[object, ...]:
        return _open, self._arguments


def _box(sides: Sequence[float]) -> Box:
    left, top, right, bottom = sides
    return left, top, right, bottom


def _open(
    kind: str, root: str, split: str, layout: str, categories: list[str], limit: int | None
) -> Benchmark:
    return Benchmark.open(
        kind, root, split=split, layout=layout, categories=categories, limit=limit
    )
