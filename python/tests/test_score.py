"""Benchmarks, predictions files and scores, against the command."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import hpflow as command

import hpflow


def test_a_benchmark_is_a_sequence_of_pairs(demo: Path) -> None:
    benchmark = hpflow.Benchmark.open("spair", demo)
    pairs = list(benchmark)
    assert (benchmark.name, benchmark.split) == ("spair", "test")
    assert len(pairs) == len(benchmark) > 3 and benchmark[-1].id == pairs[-1].id
    assert [pair.id for pair in benchmark[1:3]] == [pair.id for pair in pairs[1:3]]
    pair = pairs[0]
    assert pair.source_keypoints.shape == pair.target_keypoints.shape == (len(pair.keypoint_names), 2)
    assert pair.source.path.is_file() and pair.source.size and pair.target_box and pair.variation
    assert pair.source in benchmark.images
    annotation = demo / "PairAnnotation" / "test" / f"{pair.id}.json"
    said = json.loads(annotation.read_text())
    np.testing.assert_array_equal(pair.source_keypoints, np.asarray(said["src_kps"], np.float32))
    np.testing.assert_array_equal(pair.target_keypoints, np.asarray(said["trg_kps"], np.float32))
    assert list(pair.target_box) == said["trg_bndbox"]
    with pytest.raises(IndexError):
        benchmark[len(benchmark)]
    again = pickle.loads(pickle.dumps(benchmark))
    assert [one.id for one in again] == [one.id for one in pairs]
    cars = hpflow.Benchmark.open("spair", demo, categories=["car"], limit=2)
    assert [one.category for one in cars] == ["car", "car"] and not cars.is_whole


def test_what_is_no_benchmark_is_a_sentence(demo: Path, tmp_path: Path) -> None:
    for arguments, settings, said in [
        (("spair71k", demo), {}, "spair71k"),
        (("spair", demo / "none"), {}, "none"),
        (("spair", tmp_path), {}, "expected"),
        (("spair", demo), {"split": "testing"}, "testing"),
        (("spair", demo), {"layout": "tiny"}, "tiny"),
        (("spair", demo), {"categories": ["unicorn"]}, "unicorn"),
        (("spair", demo), {"limit": 0}, "limit is 0"),
    ]:
        with pytest.raises(hpflow.Error, match=said):
            hpflow.Benchmark.open(*arguments, **settings)  # type: ignore[arg-type]


def test_a_file_read_and_written_has_the_same_bytes(predicted: Path, tmp_path: Path) -> None:
    read = hpflow.read_predictions(predicted)
    hpflow.write_predictions(tmp_path / "again.jsonl", read)
    assert (tmp_path / "again.jsonl").read_bytes() == predicted.read_bytes()
    assert read.header["benchmark"] == "spair" and read.header["method"]["name"] == "hpf"
    first = read[next(iter(read))]
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0
    with pytest.raises(hpflow.Error, match="none.jsonl"):
        hpflow.read_predictions("none.jsonl")
    (tmp_path / "bad.jsonl").write_text(predicted.read_text() + "{}\n")
    with pytest.raises(hpflow.Error, match="bad.jsonl:"):
        hpflow.read_predictions(tmp_path / "bad.jsonl")


def as_command(file: Path, demo: Path, *options: object) -> Any:
    return json.loads(command("score", file, "--root", demo, "--format", "json", *options))


def names() -> list[str]:
    return [protocol.name for protocol in hpflow.protocols("spair")]


def test_the_score_is_the_commands_under_every_protocol(demo: Path, predicted: Path) -> None:
    benchmark = hpflow.Benchmark.open("spair", demo)
    read = hpflow.read_predictions(predicted)
    assert names()[0] == "spair" and len(names()) > 5
    scored = 0
    for name in names():
        try:
            score = hpflow.score(predicted, benchmark, protocol=name)
        except hpflow.Error as error:
            said = command("score", predicted, "--root", demo, "--protocol", name, code=1)
            assert said == f"hpflow: {error}\n"
            continue
        expected = as_command(predicted, demo, "--protocol", name)
        assert score.dict() == expected
        assert json.dumps(score.dict()) == json.dumps(expected), "in the same order"
        assert hpflow.score(read, benchmark, protocol=name).dict() == expected
        scored += 1
    assert scored > 3
    alphas = hpflow.score(predicted, benchmark, alpha=[0.05, 0.1], bootstrap=100, seed=3)
    options = ("--alpha", "0.05,0.1", "--bootstrap", "100", "--seed", "3")
    assert alphas.dict() == as_command(predicted, demo, *options)
    assert alphas.table() == command("score", predicted, "--root", demo, *options)
    with pytest.raises(hpflow.UsageError, match="there are 2 scores"):
        _ = alphas.pck
    one = hpflow.score(predicted, benchmark)
    assert one.pck == one.dict()["files"][0]["pck"]["0.1"]["all"] > 0
    assert {row["group"] for row in one.rows()} >= {"all", "category", "viewpoint"}
    assert set(one.categories) == {"car", "horse"}


def test_predictions_of_ones_own(demo: Path, tmp_path: Path) -> None:
    benchmark = hpflow.Benchmark.open("spair", demo)
    truth = {pair.id: pair.target_keypoints.astype(float) for pair in benchmark}
    assert hpflow.score(truth, benchmark).pck == 100
    found = hpflow.Predictions.of(benchmark, truth, method={"name": "truth", "seed": 1})
    hpflow.write_predictions(tmp_path / "truth.jsonl", found)
    assert as_command(tmp_path / "truth.jsonl", demo)["files"][0]["method"]["seed"] == 1
    half = dict(list(truth.items())[: len(truth) // 2])
    with pytest.raises(hpflow.Error, match="^predictions: .*") as error:
        hpflow.score(half, benchmark)
    assert "tmp" not in str(error.value)
    assert hpflow.score(half, benchmark, partial=True).pck == 100
    first = benchmark[0].id
    for wrong, said in [
        ({"nothing": np.zeros((1, 2))}, "there is no pair 'nothing'"),
        ({first: np.zeros((1, 2))}, "give one for each"),
        ({first: np.zeros(4)}, "expected \\(N, 2\\)"),
    ]:
        with pytest.raises(hpflow.UsageError, match=said):
            hpflow.score(wrong, benchmark)
    part = hpflow.Benchmark.open("spair", demo, limit=2)
    with pytest.raises(hpflow.UsageError, match="a part of its split"):
        hpflow.score(truth, part)
    for settings in (
        {"alpha": 0},
        {"alpha": "x"},
        {"alpha": [0.1, 0.1]},
        {"protocol": "none"},
        {"bootstrap": 3},
        {"bootstrap": 100, "resample": "x"},
        {"seed": -1},
    ):
        with pytest.raises(hpflow.UsageError):
            hpflow.score(truth, benchmark, **settings)  # type: ignore[arg-type]
    with pytest.raises(hpflow.UsageError, match="and the benchmark given is spair val"):
        hpflow.score(tmp_path / "truth.jsonl", hpflow.Benchmark.open("spair", demo, split="val"))


@pytest.mark.parametrize("average", ["image", "point", "category"])
def test_pck_in_batches_is_the_score(demo: Path, predicted: Path, average: str) -> None:
    benchmark = hpflow.Benchmark.open("spair", demo)
    read = hpflow.read_predictions(predicted)
    pck = hpflow.PCK(0.1, average=average)
    parts = [hpflow.PCK(0.1, average=average) for _ in range(2)]
    assert np.isnan(pck.compute())
    most = max(len(pair.target_keypoints) for pair in benchmark)
    for at in range(0, len(benchmark), 3):
        pairs = benchmark[at : at + 3]
        shape = (len(pairs), most, 2)
        found, truth = np.full(shape, 7.0), np.full(shape, np.nan)
        mask = np.zeros(shape[:2], bool)
        for row, pair in enumerate(pairs):
            there = len(pair.target_keypoints)
            found[row, :there] = read[pair.id]
            truth[row, :there] = pair.target_keypoints
            mask[row, :there] = True
        boxes = np.array([pair.target_box for pair in pairs])
        for one in (pck, parts[at // 3 % 2]):
            one.update(
                found, truth, mask=mask, box=boxes, category=[pair.category for pair in pairs]
            )
    if average == "image":
        assert pck.compute() == pytest.approx(hpflow.score(read, benchmark).pck, abs=1e-10)
    parts[0].merge(parts[1])
    assert parts[0].compute() == pck.compute() > 0
    before = pck.compute()
    for settings, said in [
        ({}, "threshold or box"),
        ({"threshold": [0.0] * len(pairs)}, "pair 0 of the batch: the threshold is 0"),
        ({"threshold": np.ones(9)}, "threshold has shape"),
        ({"box": boxes[:, :3]}, "box has shape"),
        ({"box": boxes, "mask": mask[:, 1:]}, "mask is"),
        ({"box": boxes, "mask": mask.astype(int)}, "mask is"),
        ({"box": boxes}, "is no point"),
    ]:
        with pytest.raises(hpflow.UsageError, match=said):
            pck.update(found, truth, category=["x"] * len(pairs), **settings)  # type: ignore[arg-type]
    assert pck.compute() == before
    pck.reset()
    assert np.isnan(pck.compute())


def test_a_report_and_a_picture(demo: Path, predicted: Path, tmp_path: Path) -> None:
    benchmark = hpflow.Benchmark.open("spair", demo)
    page = hpflow.report(predicted, benchmark, tmp_path / "page")
    command("report", predicted, "--root", demo, "--out", tmp_path / "other")
    assert page.read_bytes() == (tmp_path / "other" / "index.html").read_bytes()
    read = hpflow.read_predictions(predicted)
    pair = benchmark[1]
    picture = hpflow.show(read, benchmark, pair)
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    np.testing.assert_array_equal(picture, hpflow.show(predicted, benchmark, pair.id, alpha=0.1))
    truth = {one.id: one.target_keypoints for one in benchmark}
    assert (hpflow.show(truth, benchmark, pair) != picture).any()
    del truth[pair.id]
    with pytest.raises(hpflow.UsageError, match="lack the pair"):
        hpflow.show(truth, benchmark, pair)
    with pytest.raises(hpflow.UsageError, match="there is no pair 'x'|there is no pair \"x\""):
        hpflow.show(read, benchmark, "x")
