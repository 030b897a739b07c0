"""The command that the package brings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import hpflow

#: The command that cargo builds, where the one who calls the tests has one of the same features.
BINARY = os.environ.get("HPFLOW_BINARY")

COMMANDS = ["predict", "features", "score", "search", "show", "match", "dataset", "weights"]
COMMANDS += ["merge", "devices", "bench", "report", "import", "audit"]


@pytest.mark.skipif(BINARY is None, reason="HPFLOW_BINARY names no command of cargo's")
@pytest.mark.parametrize("command", [[], *([one] for one in COMMANDS)])
def test_the_help_is_that_of_the_binary(command: list[str]) -> None:
    for option in ("--help", "-h"):
        ours = hpflow(*command, option)
        binary = [str(BINARY), *command, option]
        assert ours == subprocess.run(binary, capture_output=True, text=True, check=True).stdout


def test_the_version_is_the_packages() -> None:
    import hpflow as package

    assert hpflow("--version").startswith(f"hpflow {package.__version__} (")


def test_it_starts_as_a_module_too_and_without_numpy() -> None:
    code = (
        "import sys; sys.argv = ['x', '--version']; import hpflow.__main__ as command; "
        "code = command.main(); print('numpy' in sys.modules, 'torch' in sys.modules); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("hpflow ") and done.stdout.endswith("False False\n")
    module = [sys.executable, "-m", "hpflow", "--version"]
    assert subprocess.run(module, capture_output=True, text=True, check=True).stdout


def test_what_needs_libtorch_says_so_with_what_helps(demo: Path) -> None:
    root = ("--root", demo, "--out", demo / "x.jsonl")
    for arguments in (
        ("predict", *root, "--backbone", "resnet101"),
        ("predict", *root, "--method", "weakalign", "--weights", "none"),
        ("predict", *root, "--backbone", "hog", "--engine", "dense"),
        ("features", "--root", demo, "--out", demo / "x", "--backbone", "resnet50"),
    ):
        command = [sys.executable, "-m", "hpflow", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (1, 2)
        (line,) = done.stderr.splitlines()
        assert "libtorch" in line and "maps of your own PyTorch" in line, line


def test_wrong_usage_ends_with_2_and_a_failure_with_1() -> None:
    assert "unrecognized subcommand" in hpflow("nothing", code=2)
    assert "none.jsonl" in hpflow("score", "none.jsonl", "--root", ".", code=1)


def test_ctrl_c_ends_the_command_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hpflow", "dataset", "demo", str(tmp_path / "large")]
    running = subprocess.Popen([*command, "--like", "spair"], stderr=subprocess.PIPE)
    try:
        while not (tmp_path / "large").exists():
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == -signal.SIGINT
    finally:
        running.kill()
        running.wait()
