"""The page of the documentation runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

PAGE = Path(os.environ.get("HPFLOW_DOCS", "docs")) / "python.md"


@pytest.mark.skipif(not PAGE.is_file(), reason="HPFLOW_DOCS names no folder with python.md")
def test_the_examples_run() -> None:
    names: dict[str, object] = {}
    text = PAGE.read_text()
    examples = re.findall(r"(<!-- needs .* -->\n)?```python\n(.*?)```", text, re.S)
    run = [code for needs, code in examples if not needs]
    assert len(run) >= 2 and len(examples) > len(run)
    for code in run:
        exec(compile(code, str(PAGE), "exec"), names)
    for _, code in examples:
        compile(code, str(PAGE), "exec")
        for name in re.findall(r"hpflow\.(\w+)\b(?=\()", code):
            import hpflow

            assert hasattr(hpflow, name), name
