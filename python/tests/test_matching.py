"""Maps of one's own to keypoints."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpflow
from hpflow import Geometry, Hyperimage, Matcher


def read(file: Path) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """A file of feature maps, as safetensors has it."""
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    about = {name: json.loads(text) for name, text in header.pop("__metadata__").items()}
    maps = {}
    for name, one in header.items():
        begin, end = (8 + length + at for at in one["data_offsets"])
        kind = {"F32": "<f4", "F16": "<f2"}[one["dtype"]]
        maps[name] = np.frombuffer(data[begin:end], kind).reshape(one["shape"])
    return next(iter(about.values())), maps


def kept_image(folder: Path, photograph: str, precision: str = "f32") -> Hyperimage:
    """The hyperimage that the command makes of a photograph's kept features."""
    about, maps = read(folder / f"{photograph}.safetensors")
    layers = about["description"]["layers"]
    base = layers[0]
    ratio, offset = about["ratio"], about.get("offset", [0, 0])
    return Hyperimage(
        [maps[layer["name"]] for layer in layers],
        strides=[layer["stride"] for layer in layers],
        geometry=Geometry(base["jump"], base["receptive_field"], base.get("offset", 0.0)),
        size=tuple(about["resized_size"]),
        ratio=ratio,
        offset=offset,
        precision=precision,
    )


@pytest.mark.parametrize("precision", ["f32", "f16"])
def test_it_is_what_predict_gives_from_the_same_maps(
    demo: Path, kept: Path, precision: str, tmp_path: Path
) -> None:
    from conftest import hpflow as command

    out = tmp_path / "hpf.jsonl"
    command(
        *("--quiet", "predict", "--root", demo, "--features", kept, "--engine", "cpu"),
        *("--precision", precision, "--out", out),
    )
    expected = hpflow.read_predictions(out)
    benchmark = hpflow.Benchmark.open("spair", demo)
    assert len(benchmark) == len(expected) > 3
    images = {one.name: kept_image(kept, one.name, precision) for one in benchmark.images}
    matcher = Matcher("cpu", precision=precision)
    assert matcher.name == "cpu" and matcher.adapter
    pairs = [
        (images[pair.source.name], images[pair.target.name], pair.source_keypoints)
        for pair in benchmark
    ]
    found = matcher.match_many(pairs)
    for pair, points in zip(benchmark, found, strict=True):
        assert points.dtype == np.float32
        np.testing.assert_array_equal(points, expected[pair.id])
    assert len({points.tobytes() for points in found}) > 3
    for threads in (1, 3):
        hpflow.set_threads(threads)
        np.testing.assert_array_equal(matcher.match(*pairs[1]), found[1])
    hpflow.set_threads(0)


def maps(seed: int = 0, channels: int = 8, rows: int = 9, columns: int = 11) -> Any:
    return np.random.default_rng(seed).standard_normal((channels, rows, columns), np.float32)


def image(array: Any = None, **others: Any) -> Hyperimage:
    settings: dict[str, Any] = {
        "strides": [16],
        "geometry": Geometry(16, 40),
        "size": (176, 144),
        "original_size": (352, 144),
    }
    return Hyperimage([maps() if array is None else array], **settings | others)


POINTS = np.array([[100, 60], [200.5, 80]], np.float32)


def test_a_photograph_matches_itself_with_a_ratio_for_each_axis() -> None:
    matcher = Matcher("cpu")
    np.testing.assert_allclose(matcher.match(image(), image(), POINTS), POINTS, atol=1e-3)
    other = image(original_size=None, ratio=(0.25, 1.0))
    np.testing.assert_allclose(matcher.match(image(), other, POINTS), POINTS * [2, 1], atol=1e-3)
    padded = image(
        np.pad(maps(), ((0, 0), (0, 0), (2, 0)), constant_values=1e-3), offset=(32, 0)
    )
    np.testing.assert_allclose(matcher.match(image(), padded, POINTS), POINTS, atol=1e-3)
    shifted = image(geometry=Geometry(16, 40, (7.5, 0)))
    assert np.abs(matcher.match(image(), shifted, POINTS) - POINTS)[:, 0].min() > 1


def test_the_function_is_the_class_and_flow_agrees_with_points() -> None:
    expected = Matcher("cpu").match(image(), image(maps(1)), POINTS)
    found = hpflow.match(
        [maps()],
        [maps(1)],
        POINTS,
        strides=[16],
        geometry=Geometry(16, 40),
        sizes=[(176, 144)] * 2,
        original_sizes=[(352, 144)] * 2,
        engine="cpu",
    )
    np.testing.assert_array_equal(found, expected)
    flow = Matcher("cpu").flow(image(), image(maps(1)), (352, 144))
    assert flow.shape == (144, 352, 2)
    np.testing.assert_allclose(flow[60, 100] + POINTS[0], expected[0], atol=1e-3)
    far = np.array([[-500, 9], [100, 60]])
    one, other = Matcher("cpu").match(image(), image(maps(1)), far)
    assert np.isnan(one).all() and (other == expected[0]).all()


def test_arrays_may_be_strided_half_or_torchs() -> None:
    matcher = Matcher("cpu")
    expected = matcher.match(image(), image(maps(1)), POINTS)
    strided = np.ascontiguousarray(maps().transpose(1, 2, 0)).transpose(2, 0, 1)
    assert not strided.flags.c_contiguous
    for first in (strided, np.asfortranarray(maps()), maps()[::-1][::-1], maps().astype(">f4")):
        np.testing.assert_array_equal(matcher.match(image(first), image(maps(1)), POINTS), expected)
    half = maps().astype(np.float16)
    np.testing.assert_array_equal(
        matcher.match(image(half), image(maps(1)), POINTS.tolist()),
        matcher.match(image(half.astype(np.float32)), image(maps(1)), POINTS.astype(np.float64)),
    )
    assert matcher.match(image(), image(), np.empty((0, 2))).shape == (0, 2)


def test_tensors_are_taken_as_they_are() -> None:
    torch = pytest.importorskip("torch")
    matcher = Matcher("cpu")
    tensor = torch.from_numpy(maps()).requires_grad_()
    expected = matcher.match(image(), image(maps(1)), POINTS)
    found = matcher.match(image(tensor), image(maps(1)), torch.from_numpy(POINTS))
    np.testing.assert_array_equal(found, expected)
    brain = tensor.bfloat16()
    found = matcher.match(image(brain), image(maps(1)), POINTS)
    expected = matcher.match(image(brain.float()), image(maps(1)), POINTS)
    np.testing.assert_array_equal(found, expected)


def test_torch_is_not_imported() -> None:
    code = (
        "import sys, numpy, hpflow; i = hpflow.Hyperimage([numpy.ones((2, 9, 9), 'f')], strides=[4], "
        "geometry=hpflow.Geometry(4, 9), size=(36, 36), ratio=1); "
        "hpflow.Matcher('cpu').match(i, i, [[9, 9]]); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def bad(at: Any, value: float) -> Any:
    array = maps()
    array[at] = value
    return array


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: image(maps()[0]), r"map 0 has shape \(9, 11\); expected \(C, H, W\)"),
    (lambda: image(maps()[None]), r"map 0 has shape \(1, 8, 9, 11\); expected \(C, H, W\)"),
    (lambda: image(maps().astype(float)), "map 0 has dtype float64; expected float32 or float16"),
    (lambda: image(maps().astype(int)), "map 0 has dtype int64"),
    (lambda: image(np.array([["a"]])), "map 0 has dtype <U1"),
    (lambda: image([[1.0], [2.0, 3.0]]), "map 0 is no array"),
    (lambda: image(maps()[:, :0]), "is empty"),
    (lambda: image(bad((1, 2, 3), np.nan)), "map 0 holds NaN; expected finite numbers"),
    (lambda: image(bad((0, 0, 0), np.inf)), "map 0 holds inf; expected finite numbers"),
    (lambda: Hyperimage([], strides=[], geometry=Geometry(1, 1), size=(9, 9), ratio=1), "no feature map"),
    (lambda: image(strides=[16, 16]), "there are 1 maps and 2 strides"),
    (lambda: image(strides=16), "strides is a int; expected a list"),
    (lambda: image(strides=[0]), "a stride is 0; expected a whole number from 1"),
    (lambda: image(strides=[1.5]), "a stride is 1.5; expected a whole number"),
    (lambda: image(size=(176, 0)), r"size is \(176, 0\); expected \(width, height\)"),
    (lambda: image(size=176), "size is 176; expected"),
    (lambda: image(size=(176.5, 144)), "size is "),
    (lambda: image(original_size=None), "give original_size"),
    (lambda: image(ratio=1.0), "say the same"),
    (lambda: image(original_size=None, ratio=(1, 2, 3)), "ratio is "),
    (lambda: image(original_size=None, ratio=float("nan")), "ratio is nan; expected finite"),
    (lambda: image(original_size=None, ratio=-1), "expected lengths above 0"),
    (lambda: image(offset=(0, float("inf"))), "offset is "),
    (lambda: image(offset="no"), "offset is 'no'"),
    (lambda: image(precision="f64"), 'precision is "f64"; expected "f32" or "f16"'),
    (lambda: image(size=(3, 3), geometry=Geometry(16, 200)), "hold no hyperpixel"),
    (lambda: image(geometry=(16, 40)), "expected hpflow.Geometry"),
    (lambda: Hyperimage(maps(), strides=[16], geometry=Geometry(1, 1), size=(9, 9), ratio=1), "maps is a ndarray; expected a list"),
    (lambda: Geometry(0, 9), "jump is 0"),
    (lambda: Geometry(4, -9), "receptive_field is -9"),
    (lambda: Geometry(4, 9, (1, 2, 3)), "offset is "),
    (lambda: Matcher("dense"), 'engine is "dense"; expected "auto", "cpu" or "gpu"'),
    (lambda: Matcher("cpu", "nvidia"), "leave one of them out"),
    (lambda: Matcher("cpu", precision="half"), 'precision is "half"'),
    (lambda: Matcher("cpu").match(image(), maps(), POINTS), "the target of pair 0 is a ndarray"),
    (lambda: Matcher("cpu").match(image(), image(precision="f16"), POINTS), "in f16 and the matcher in f32"),
    (lambda: Matcher("cpu").match(image(), image(maps(0, 9)), POINTS), "same backbone and layers"),
    (lambda: Matcher("cpu").match(image(), image(), [1, 2]), r"keypoints of pair 0 has shape \(2,\)"),
    (lambda: Matcher("cpu").match(image(), image(), []), r"has shape \(0,\); expected \(N, 2\)"),
    (lambda: Matcher("cpu").match(image(), image(), POINTS.T[:, :1].T @ np.ones((2, 3))), r"expected \(N, 2\)"),
    (lambda: Matcher("cpu").match(image(), image(), [[1, np.nan]]), "point 0 is .*finite"),
    (lambda: Matcher("cpu").match(image(), image(), [[1, 2], [1e300, 2]]), "point 1 is .*finite"),
    (lambda: Matcher("cpu").match(image(), image(), [[True, False]]), "dtype bool"),
    (lambda: Matcher("cpu").match_many([(image(), image())]), "pair 0 is no "),
    (lambda: Matcher("cpu").flow(image(), image(), (0, 9)), "size is "),
    (lambda: hpflow.match([maps()], [maps()], POINTS, strides=[16], geometry=Geometry(1, 1), sizes=[(9, 9)]), "sizes is .*expected two"),
    (lambda: hpflow.set_threads(-1), "threads is -1"),
]


@pytest.mark.parametrize("at", range(len(WRONG)))
def test_what_is_wrong_is_a_sentence(at: int) -> None:
    call, said = WRONG[at]
    with pytest.raises(hpflow.UsageError, match=said) as found:
        call()
    assert "\n" not in str(found.value) and isinstance(found.value, ValueError)


def test_an_adapter_that_there_is_not_and_a_gpu_that_there_may_be() -> None:
    with pytest.raises(hpflow.Error, match="adapter"):
        Matcher("gpu", "no such device")
    for device in hpflow.devices():
        assert device["name"] and device["kind"]


def test_a_panic_is_an_exception_and_the_next_call_works() -> None:
    from hpflow import _hpflow

    with pytest.raises(hpflow.InternalError, match="bug in hpflow, please report it: asked for"):
        _hpflow.panic()
    assert issubclass(hpflow.InternalError, hpflow.Error)
    Matcher("cpu").match(image(), image(), POINTS)


def in_child(matcher: Matcher, first: Hyperimage, expected: bytes) -> None:
    found = matcher.match(first, image(maps(1)), POINTS)
    os._exit(0 if found.tobytes() == expected else 3)


def test_a_matcher_works_after_a_fork() -> None:
    matcher, first = Matcher("cpu"), image()
    expected = matcher.match(first, image(maps(1)), POINTS).tobytes()
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        child = context.Process(target=in_child, args=(matcher, first, expected))
        child.start()
        child.join(30)
        assert child.exitcode == 0
    assert matcher.match(first, image(maps(1)), POINTS).tobytes() == expected


def test_threads_share_a_matcher_and_the_interpreter_goes_on() -> None:
    matcher = Matcher("cpu")
    images = [image(maps(at)) for at in range(4)]
    pairs = [(one, other, POINTS) for one in images for other in images] * 4
    expected = [points.tobytes() for points in matcher.match_many(pairs)]
    found: list[list[bytes]] = []

    def run() -> None:
        found.append([points.tobytes() for points in matcher.match_many(pairs)])

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert found == [expected] * 6


def test_ctrl_c_is_seen_while_the_work_is_done() -> None:
    from hpflow import _hpflow

    ticks = []
    timer = threading.Timer(0.3, lambda: (ticks.append(1), os.kill(os.getpid(), signal.SIGINT)))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        _hpflow.wait(60)
    assert ticks
    Matcher("cpu").match(image(), image(), POINTS)
