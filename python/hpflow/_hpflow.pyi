from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
from typing_extensions import disjoint_base

_Floats = npt.NDArray[np.float32]
_Box = Sequence[float]

VERSION: str

def main(arguments: Sequence[str]) -> int: ...
def panic() -> None: ...
def wait(seconds: float) -> None: ...
def set_threads(threads: int) -> None: ...
def devices() -> list[dict[str, Any]]: ...
def why_no_device() -> str: ...

@final
@disjoint_base
class Hyperimage:
    def __new__(
        cls,
        maps: Sequence[_Floats],
        strides: Sequence[int],
        geometry: tuple[int, int, tuple[float, float]],
        size: tuple[int, int],
        ratio: tuple[float, float],
        offset: tuple[float, float],
        precision: str,
    ) -> Hyperimage: ...
    @property
    def hyperpixels(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def precision(self) -> str: ...

@final
@disjoint_base
class Matcher:
    def __new__(cls, engine: str, adapter: str | None, precision: str) -> Matcher: ...
    @property
    def name(self) -> str: ...
    @property
    def adapter(self) -> str: ...
    @property
    def precision(self) -> str: ...
    def match_many(
        self, pairs: Sequence[tuple[Hyperimage, Hyperimage, _Floats]]
    ) -> list[_Floats]: ...
    def flow(self, source: Hyperimage, target: Hyperimage, size: tuple[int, int]) -> _Floats: ...

@final
@disjoint_base
class Benchmark:
    def __new__(
        cls,
        kind: str,
        root: str,
        split: str,
        layout: str,
        categories: Sequence[str],
        limit: int | None,
    ) -> Benchmark: ...
    @property
    def name(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def images(self) -> list[tuple[str, str, tuple[int, int] | None]]: ...
    def __len__(self) -> int: ...
    def pair(
        self, at: int
    ) -> tuple[
        str,
        str,
        int,
        int,
        _Floats,
        _Floats,
        list[str],
        _Box | None,
        _Box | None,
        tuple[int, int, int, int] | None,
    ]: ...

def benchmarks() -> list[str]: ...
def read_predictions(path: str) -> tuple[str, list[str], list[int], _Floats]: ...
def write_predictions(
    path: str, header: str, ids: Sequence[str], counts: Sequence[int], points: _Floats
) -> None: ...
def header(benchmark: str, split: str, method: str) -> str: ...

def read_image(path: str) -> npt.NDArray[np.uint8]: ...
def predict_maps(
    benchmark: Benchmark,
    features: Callable[[list[tuple[str, Path, tuple[int, int] | None]]], list[object]],
    out: str,
    maps: Mapping[str, Any],
    options: Mapping[str, Any],
) -> tuple[int, list[tuple[str, str]], list[str]]: ...
def predict_pairs(
    benchmark: Benchmark, function: Callable[[int], Any], out: str, options: Mapping[str, Any]
) -> tuple[int, list[tuple[str, str]], list[str]]: ...

@final
@disjoint_base
class Scores:
    def json(self) -> str: ...
    def table(self, format: str) -> str: ...

def score(
    files: Sequence[str], of: tuple[str, str, str, str], options: Mapping[str, Any]
) -> Scores: ...
def report(
    files: Sequence[str], of: tuple[str, str, str, str], out: str, alpha: str, partial: bool
) -> Path: ...
def show(
    file: str, of: tuple[str, str, str, str], pair: str, alpha: str | None
) -> npt.NDArray[np.uint8]: ...
def protocols(benchmark: str) -> list[tuple[str, str, str, str, list[float], str | None]]: ...

@final
@disjoint_base
class Pck:
    def __new__(cls, alpha: str, average: str) -> Pck: ...
    @property
    def needs_category(self) -> bool: ...
    def update(
        self,
        predicted: _Floats,
        truth: _Floats,
        mask: npt.NDArray[np.bool_],
        thresholds: Sequence[float],
        categories: Sequence[str],
    ) -> None: ...
    def compute(self) -> float: ...
    def reset(self) -> None: ...
    def merge(self, other: Pck) -> None: ...
