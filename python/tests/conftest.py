"""What the tests share: the drawn benchmark, with predictions and kept features of the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def hpflow(*arguments: object, code: int = 0) -> str:
    """Runs the command as `pip install` gives it and returns what it prints."""
    command = [str(Path(sys.executable).with_name("hpflow")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "data"
    hpflow("--quiet", "dataset", "demo", folder, "--images", "3", "--category", "car,horse")
    return folder


@pytest.fixture(scope="session")
def kept(demo: Path) -> Path:
    """Feature maps of the benchmark's photographs."""
    folder = demo.with_name("features")
    hpflow("--quiet", "features", "--root", demo, "--backbone", "hog", "--out", folder)
    return folder


@pytest.fixture(scope="session")
def predicted(demo: Path, kept: Path) -> Path:
    """Predictions of the cpu engine from them."""
    file = demo.with_name("hpf.jsonl")
    hpflow(
        "--quiet", "predict", "--root", demo, "--features", kept, "--engine", "cpu", "--out", file
    )
    return file
