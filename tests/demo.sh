#!/usr/bin/env bash
# `make demo`: draws a benchmark, predicts it three ways, scores them side by side, shows matches.
# Usage: tests/demo.sh HPFLOW FOLDER
set -euo pipefail
hpflow=$1 out=$2
root=$out/benchmark
say() { printf '\n==> %s\n' "$*"; }

mkdir -p "$out"
say "what can run here"
"$hpflow" devices

if [ ! -f "$root/Layout/large/test.txt" ]; then
  say "drawing a benchmark in SPair-71k's format: $root"
  "$hpflow" dataset demo "$root"
fi

predict() { # name, then options
  local file=$out/$1.jsonl; shift
  if [ -f "$file" ] && [ "$file" -nt "$root/Layout/large/test.txt" ] && [ "$file" -nt "$hpflow" ]; then
    echo "    $file is there already"
  else
    "$hpflow" predict --benchmark spair --root "$root" --out "$file" "$@"
  fi
}
say "predicting: identity mapping, then Hyperpixel Flow on histograms of gradients and on an untrained ResNet-50"
predict identity --method identity
predict hpf-hog --backbone hog
predict hpf-resnet50 --backbone resnet50 --weights untrained

say "PCK at alpha 0.1"
files=("$out/identity.jsonl" "$out/hpf-hog.jsonl" "$out/hpf-resnet50.jsonl")
"$hpflow" score "${files[@]}" --root "$root" | tee "$out/score.txt"
"$hpflow" score "${files[@]}" --root "$root" --format json > "$out/score.json"
"$hpflow" score "${files[@]}" --root "$root" --format markdown > "$out/score.md"

say "pictures"
"$hpflow" show "$out/hpf-hog.jsonl" --root "$root" --out "$out/pictures"
say "done: $out holds the predictions (*.jsonl), the table (score.txt, .md, .json) and pictures/"
