#!/usr/bin/env bash
# Runs `cargo test` with the options given and says, at its end, which tests did not run and why.
# `tests/run.sh --summary` says it again of all runs since the last summary.
set -uo pipefail
cd "$(dirname "$0")/.."

log=target/not-run
mkdir -p "$log"

# Reasons with their tests, from the lines `test name ... ignored, reason`.
summary() {
  local lines count
  lines=$(sed -nE 's/^test (.*) \.\.\. ignored(, (.*))?$/\3\t\1/p' "$@" | sort -u)
  if [ -z "$lines" ]; then
    echo "==> every test ran"
    return
  fi
  count=$(wc -l <<<"$lines")
  echo "==> NOT RUN: $count tests"
  awk -F '\t' '
    { reason = $1 == "" ? "no reason is given" : $1 }
    reason != last { if (last != "") flush(); last = reason; number = 0; names = "" }
    { number++; names = names "\n      " $2 }
    END { flush() }
    function flush() { printf "    %d: %s%s\n", number, last, names }' <<<"$lines"
}

if [ "${1:-}" = --summary ]; then
  summary "$log"/*.txt
  rm -f "$log"/*.txt
  exit
fi
name=$(tr -c 'a-z0-9\n' - <<<"tests$*")
cargo test "$@" 2>&1 | tee "$log/$name.txt"
code=${PIPESTATUS[0]}
summary "$log/$name.txt"
exit "$code"
