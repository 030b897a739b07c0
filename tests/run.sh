#!/usr/bin/env bash
# Runs `cargo test` with the options given and says, at its end, which tests did not run and why.
# `tests/run.sh --summary` says it again of all runs since the last `tests/run.sh --begin`, which
# forgets those before.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

log=target/not-run
code=0
mkdir -p "$log"

# Reasons with their tests, from the lines `test name ... ignored, reason`.
summary() {
  local lines count
  lines=$(sed -nE 's/^test (.*) \.\.\. ignored(, (.*))?$/\3\t\1/p' "$@" 2>/dev/null | sort -u)
  if ! grep -Eqs '^test result: .* [1-9][0-9]* (passed|failed|ignored)' "$@"; then
    echo "==> NO TEST RAN"
    return 1
  fi
  if [ "$code" != 0 ]; then
    echo "==> FAILED: programs of tests after the one that failed did not run"
  elif [ -z "$lines" ]; then
    echo "==> every test ran"
  fi
  [ -n "$lines" ] || return 0
  count=$(wc -l <<<"$lines")
  echo "==> NOT RUN: $count tests"
  awk -F '\t' '
    { reason = $1 == "" ? "no reason is given" : $1 }
    reason != last { if (last != "") flush(); last = reason; number = 0; names = "" }
    { number++; names = names "\n      " $2 }
    END { flush() }
    function flush() { printf "    %d: %s%s\n", number, last, names }' <<<"$lines"
}

case ${1:-} in
  --begin)
    rm -f "$log"/*.txt
    exit
    ;;
  --summary)
    summary "$log"/*.txt || code=1
    rm -f "$log"/*.txt
    exit "$code"
    ;;
esac
name=$(tr -c 'a-z0-9\n' - <<<"tests$*")
cargo test "$@" 2>&1 | tee "$log/$name.txt"
code=${PIPESTATUS[0]}
# A run without a test has failed, whatever cargo says.
summary "$log/$name.txt" || [ "$code" != 0 ] || code=1
exit "$code"
