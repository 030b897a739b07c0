"""Whole benchmarks with a network of one's own."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_matching import read

import hpflow


def network(kept: Path) -> tuple[dict[str, Any], Any]:
    """What `predict` is told of kept features, and a callback that reads them."""
    about, _ = read(next(kept.rglob("*.safetensors")))
    layers = about["description"]["layers"]
    base = layers[0]

    def features(photographs: list[hpflow.Photograph]) -> list[hpflow.Features]:
        given = []
        for photograph in photographs:
            about, maps = read(kept / f"{photograph.name}.safetensors")
            assert list(photograph.original_size) == about["original_size"]
            maps = [maps[layer["name"]] for layer in layers]
            seen = tuple(about["resized_size"])
            given.append(hpflow.Features(maps, seen, ratio=about["ratio"]))
        return given

    settings = {
        "strides": [layer["stride"] for layer in layers],
        "geometry": hpflow.Geometry(base["jump"], base["receptive_field"], base.get("offset", 0.0)),
        "method": {"name": "mine"},
        "engine": "cpu",
        "progress": False,
    }
    return settings, features


def test_it_is_what_the_command_predicts(demo: Path, kept: Path, predicted: Path, tmp_path: Path) -> None:
    benchmark = hpflow.Benchmark.open("spair", demo)
    settings, features = network(kept)
    expected = hpflow.read_predictions(predicted)
    told: list[tuple[int, int]] = []
    settings["progress"] = lambda *at: told.append(at)
    called = []

    def counted(photographs: list[hpflow.Photograph]) -> Any:
        assert threading.current_thread() is threading.main_thread()
        called.extend(photograph.name for photograph in photographs)
        return features(photographs)

    found = hpflow.predict(benchmark, counted, out=tmp_path / "a.jsonl", **settings)
    assert sorted(called) == sorted({image.name for image in benchmark.images})
    assert told[-1] == (len(benchmark), len(benchmark))
    assert list(found) == list(expected)
    for pair in expected:
        np.testing.assert_array_equal(found[pair], expected[pair])
    assert found.header["method"]["name"] == "mine"
    hpflow.predict(benchmark, features, out=tmp_path / "b.jsonl", **settings | {"batch": 1})
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert dict(hpflow.predict(benchmark, features, **settings)).keys() == dict(expected).keys()


@pytest.mark.parametrize("how", [KeyboardInterrupt, RuntimeError, "signal"])
def test_a_run_that_was_stopped_goes_on(demo: Path, kept: Path, tmp_path: Path, how: Any) -> None:
    benchmark = hpflow.Benchmark.open("spair", demo)
    settings, features = network(kept)
    settings["batch"] = 1
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    hpflow.predict(benchmark, features, out=whole, **settings)
    left = [4]

    def stops(photographs: list[hpflow.Photograph]) -> Any:
        left[0] -= 1
        if left[0] == 0:
            if how == "signal":
                os.kill(os.getpid(), signal.SIGINT)
            else:
                raise how("enough")
        return features(photographs)

    with pytest.raises(KeyboardInterrupt if how == "signal" else how):
        hpflow.predict(benchmark, stops, out=part, **settings)
    assert not part.exists() and Path(f"{part}.partial").exists()
    hpflow.predict(benchmark, features, out=part, resume=True, **settings)
    assert part.read_bytes() == whole.read_bytes()


def test_pairs_of_any_method(demo: Path, tmp_path: Path) -> None:
    benchmark = hpflow.Benchmark.open("spair", demo, categories=["car"])
    out = tmp_path / "truth.jsonl"
    found = hpflow.predict_pairs(
        benchmark, lambda pair: pair.target_keypoints, method={"name": "truth"}, out=out
    )
    assert [*found] == [pair.id for pair in benchmark]
    assert found.header["method"] == {"name": "truth", "categories": ["car"]}
    whole = hpflow.Benchmark.open("spair", demo)
    assert hpflow.score(out, whole, partial=True).pck == 100
    none = hpflow.predict_pairs(
        whole, lambda pair: np.full_like(pair.source_keypoints, np.nan), method={"name": "none"}
    )
    assert hpflow.score(none, whole).pck == 0
    for wrong, said in [
        (lambda pair: pair.source_keypoints[1:], "give one for each"),
        (lambda pair: None, "dtype object"),
        (lambda pair: pair.source_keypoints.T, "expected|give"),
    ]:
        with pytest.raises(hpflow.UsageError, match=said):
            hpflow.predict_pairs(whole, wrong, method={"name": "x"})


def test_what_features_give_wrong_is_a_sentence(demo: Path, kept: Path) -> None:
    benchmark = hpflow.Benchmark.open("spair", demo)
    settings, features = network(kept)

    def spoilt(spoil: Any) -> Any:
        return lambda photographs: [spoil(one) for one in features(photographs)]

    nan = np.full((3, 9, 9), np.nan, np.float32)
    for wrong, said in [
        (lambda photographs: [], "returned 0 for"),
        (lambda photographs: None, "returned a NoneType"),
        (spoilt(lambda one: one.maps), "expected hpflow.Features"),
        (spoilt(lambda one: hpflow.Features([*one.maps, nan], one.size)), "strides"),
        (spoilt(lambda one: hpflow.Features([nan] * len(one.maps), one.size)), "holds NaN"),
        (spoilt(lambda one: hpflow.Features(one.maps, (0, 9))), "size is"),
    ]:
        with pytest.raises(hpflow.Error, match=said):
            hpflow.predict(benchmark, wrong, **settings)
    for setting, said in [
        ({"method": {}}, "expected fields with a name"),
        ({"method": {"name": "x", "y": nan}}, "JSON"),
        ({"batch": 0}, "batch is 0"),
        ({"engine": "x"}, "engine is"),
        ({"resume": True}, "give out"),
        ({"geometry": (1, 2)}, "Geometry"),
    ]:
        with pytest.raises(hpflow.UsageError, match=said):
            hpflow.predict(benchmark, features, **settings | setting)


def test_the_pixels_are_those_of_the_photograph(demo: Path) -> None:
    image = hpflow.Benchmark.open("spair", demo).images[0]
    pixels = hpflow.read_image(image.path)
    assert pixels.dtype == np.uint8 and image.size is not None
    assert pixels.shape == (image.size[1], image.size[0], 3) and pixels.std() > 5
    with pytest.raises(hpflow.Error, match="none.png"):
        hpflow.read_image("none.png")
