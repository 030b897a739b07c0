#!/usr/bin/env bash
# Installs a wheel in a fresh environment and runs the package's tests against it: `test.sh FILE.whl`.
set -euo pipefail
wheel=$(realpath "$1")
package=$(cd "$(dirname "$0")" && pwd)
[ -z "${HPFLOW_BINARY:-}" ] || HPFLOW_BINARY=$(realpath "$HPFLOW_BINARY")

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" --disable-pip-version-check)
"${pip[@]}" install --quiet "$wheel"
# NumPy is all that it needs.
needed=$("${pip[@]}" list --format freeze | sed -E '/^(pip|setuptools|wheel)==/d; s/==.*//' | sort | tr '\n' ' ')
[ "$needed" = "hpflow numpy " ] || { echo "the wheel needs $needed; expected numpy alone"; exit 1; }
"${pip[@]}" install --quiet pytest mypy

# Away from the sources, so that what is tested is what was installed.
cp -r "$package/tests" "$package/pyproject.toml" "$folder"
export HPFLOW_DOCS="$package/../docs"
cd "$folder"
venv/bin/python -m pytest -q -p no:cacheprovider tests
venv/bin/python -m mypy --strict -p hpflow
venv/bin/stubtest hpflow --ignore-missing-stub
