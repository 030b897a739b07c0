#!/usr/bin/env bash
# The scripts of docs/cluster.md on a real Slurm: job arrays and a dependent merge, a task that fails, one
# that is cancelled, a node that dies, one that is cut off while its task runs again elsewhere, a time
# limit. Afterwards the file has the bytes of one run.
#
#   tests/cluster.sh [HPFLOW]
#
# The cluster is on this machine, on loopback alone (tests/slurm-test-cluster). Where Slurm cannot be
# installed this says NOT RUN, and ends with 0.
set -euo pipefail
cd "$(dirname "$0")/.."
HPFLOW=$(realpath -- "${1:-target/release/hpflow}")
readonly TESTS=$PWD/tests HPFLOW PAGE=$PWD/docs/cluster.md

work=$(mktemp -d)
cluster=$work/cluster
step() { printf '==> cluster: %s (%s s)\n' "$*" "$SECONDS"; }
fail() {
  printf 'cluster: FAILED: %s\n' "$*" >&2
  squeue >&2 2>/dev/null || true
  for log in "$work"/data/slurm-*.out; do
    [ -s "$log" ] && { echo "--- ${log##*/}" >&2; tail -n 15 "$log" >&2; }
  done
  exit 1
}
not_run() {
  mkdir -p target/not-run
  echo "==> NOT RUN: shards on a Slurm cluster: $*" | tee target/not-run/cluster
  exit 0
}
finish() {
  local code=$?
  set +e
  # What is held would wait for ever.
  for held in "$work"/held/*.pid; do
    [ -e "$held" ] && kill -KILL "$(cat "$held")" 2>/dev/null
  done
  [ ! -d "$cluster" ] || "$TESTS/slurm-test-cluster" down "$cluster" >/dev/null 2>&1 || true
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT

rm -f target/not-run/cluster
[ "$(id -u)" = 0 ] || not_run "starting Slurm needs root"
command -v apt-get >/dev/null || command -v slurmctld >/dev/null || not_run "Slurm is not here, nor apt-get"
"$TESTS/slurm-test-cluster" install "$cluster" >"$work/install.log" 2>&1 \
  || not_run "$(tail -n 1 "$work/install.log")"

# --- What tasks run ---------------------------------------------------------------------------------

mkdir -p "$work"/{bin,data,held}
cd "$work/data"
# The scripts as they stand on the page: each block whose second line names it.
awk '/^```bash$/ { inside = 1; number = 0; file = ""; next }
     /^```$/ { inside = 0 }
     inside { number++; if (number == 1) first = $0
              else { if (number == 2 && match($0, /^# [a-z-]+\.sh/)) {
                       file = substr($0, 3, RLENGTH - 2); print first > file }
                     if (file != "") print > file } }' "$PAGE"
for script in predict.sh search.sh search-at-once.sh; do
  [ -s "$script" ] || fail "docs/cluster.md has no $script"
  bash -n "$script" || fail "$script is no script"
done

# hpflow as tasks find it. Where a file hold-TASK is in the folder for held processes, the task is
# stopped when it has written its first pairs, so that what happens to it happens in the middle.
cat >"$work/bin/hpflow" <<WRAPPER
#!/usr/bin/env bash
hold=$work/held/\${SLURM_JOB_NAME:-}-\${SLURM_ARRAY_TASK_ID:-}
if [ "\${1:-}" = predict ] && mv "\$hold" "\$hold.taken" 2>/dev/null; then
  echo \$\$ >"\$hold.pid"
  (
    exec >/dev/null 2>&1
    written() { cat *.shards/*."\$(hostname -s)-\$\$-"*/*.partial 2>/dev/null | wc -l; }
    # In slices, so that it is never done before it is looked at.
    while kill -CONT \$\$; do
      sleep 0.01
      kill -STOP \$\$
      [ "\$(written)" -lt 3 ] || { echo \$\$ >"\$hold.stopped"; break; }
    done
  ) &
fi
exec "$HPFLOW" "\$@"
WRAPPER
chmod +x "$work/bin/hpflow"
export PATH=$work/bin:$PATH NO_COLOR=1

step "a drawn benchmark of 18 categories, and one run of it"
hpflow -q dataset demo SPair-71k --images 4 --category aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,dog,horse,motorbike,person,pottedplant,sheep,train,tvmonitor
options=(--backbone hog --engine cpu)
hpflow -q predict --root SPair-71k --out whole.jsonl --threads 2 "${options[@]}"
# Two shards that take longer: pairs are matched 64 at a time, and a task in the middle has some of its
# own behind it and some before it.
hpflow -q dataset demo Longer --images 14 --category cat
hpflow -q predict --root Longer --out whole-longer.jsonl --threads 2 "${options[@]}"

step "the cluster"
eval "$(SLURM_TEST_NODES=3 SLURM_TEST_CPUS=80 "$TESTS/slurm-test-cluster" up "$cluster")"

# --- Helpers ----------------------------------------------------------------------------------------

# Waits until a command succeeds.
until_ok() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$limit" ] || fail "waited for $what"
    sleep 0.1
  done
}
ended() { [ -z "$(squeue -h -j "$1" 2>/dev/null)" ]; }
wait_for() { local job; for job in "$@"; do until_ok 180 "job $job" ended "$job"; done; }
# How a job, or a task of an array, ended.
state() { scontrol show job -o "$1" | sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p' | head -n 1; }
holds() { touch "$work/held/$1"; }
stopped() { [ -s "$work/held/$1.stopped" ]; }
same() { cmp -s "${2:-whole.jsonl}" "$1" || fail "$1 is not what one run writes"; }
log() { cat slurm-"$1".out; }
says() { grep -qF -- "$2" <<<"$(log "$1")" || fail "the log of $1 does not say '$2'"; }
goes_on() { log "$1" | grep -qE ', [1-9][0-9]* pairs kept from before$' || fail "what $1 wrote before is lost"; }
# predict.sh for another file, under another name, with more options of sbatch before --.
submit() {
  local out=$1 more=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do more+=("$1"); shift; done
  [ $# = 0 ] || shift
  sed "s/hpf\.jsonl/$out.jsonl/; ${in_two:+s/1-18/1-2/; s/\/18/\/2/; s/SPair-71k/Longer/}" \
    predict.sh >"predict-$out.sh"
  sbatch --parsable --job-name="$out" "${more[@]}" "predict-$out.sh" "${options[@]}" "$@"
}
# The same with the two shards that take longer.
submit_two() { local in_two=1; submit "$@"; }
merging() { sbatch --parsable --dependency="afterany:$1" --wrap "hpflow merge $2"; }

# Maps of four layers, made up, where there is Python with NumPy; else HOG's only one.
maps() {
  local python
  for python in "$TESTS/../.venv/bin/python" python3; do
    "$python" -c 'import numpy, safetensors.numpy' 2>/dev/null || continue
    "$python" - <<'PYTHON'
import numpy, pathlib, zlib, struct
root = pathlib.Path("SPair-71k/JPEGImages")
for path in sorted(root.rglob("*.*")):
    data = path.read_bytes()
    if data[:2] == b"\xff\xd8":
        at = 2
        while data[at + 1] not in (0xC0, 0xC1, 0xC2):
            at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        height, width = struct.unpack(">HH", data[at + 5 : at + 9])
    else:
        width, height = struct.unpack(">II", data[16:24])
    random = numpy.random.default_rng(zlib.crc32(str(path).encode()))
    arrays = {f"layer{k}": random.random((8, -(-height // 16), -(-width // 16)), dtype="f4") for k in range(4)}
    out = pathlib.Path("arrays", path.relative_to(root)).with_name(path.name + ".npz")
    out.parent.mkdir(parents=True, exist_ok=True)
    numpy.savez(out, original_size=[width, height], resized_size=[width, height], **arrays)
PYTHON
    "$python" "$TESTS/../docs/features_from_numpy.py" arrays maps --photographs SPair-71k/JPEGImages \
      --backbone made-up --stride 16 >/dev/null
    bases=0,1 candidates=0,1,2,3
    return
  done
  echo "no Python with NumPy and safetensors: the search has HOG's one layer"
  hpflow -q features --root SPair-71k --split val --backbone hog --out maps
  bases=0 candidates=0
}

# --- A time limit: it lasts a minute, beside the rest ------------------------------------------------

step "a task that will meet its time limit"
holds limit-2
limit=$(submit_two limit --time=1 --array=2 -w node2)

# --- The page's example -------------------------------------------------------------------------------

step "an array and the merge that depends on it, as on the page"
jobs=$(sbatch --parsable predict.sh "${options[@]}")
merge=$(sbatch --parsable --dependency=afterany:$jobs --wrap 'hpflow merge hpf.jsonl')
wait_for "$jobs" "$merge"
[ "$(state "$merge")" = COMPLETED ] || fail "the merge is $(state "$merge")"
same hpf.jsonl
says "$merge" 'of 18 of 18 shards'
first=$(head -n 1 "slurm-${jobs}_3.out") last=$(tail -n 1 "slurm-${jobs}_3.out")
for line in "$first" "$last"; do
  [[ $line == 'shard 3/18: '*' pairs, '*' photographs, on '*' pairs kept from before'* ]] || fail "a log says: $line"
done
step "the same array again does nothing"
again=$(sbatch --parsable predict.sh "${options[@]}")
wait_for "$again"
says "${again}_7" 'complete already'
same hpf.jsonl

# --- A task that fails, and one that is cancelled ------------------------------------------------------

step "a task that fails, and one that is cancelled, are named"
photograph=$(find SPair-71k/JPEGImages/boat -type f | sort | tail -n 1)
mv "$photograph" away
failing=$(submit failing)
merge=$(merging "$failing" failing.jsonl)
holds cancelled-2
cancelled=$(submit_two cancelled)
until_ok 120 "a task in the middle" stopped cancelled-2
scancel "${cancelled}_2"
cancelled_merge=$(merging "$cancelled" cancelled.jsonl)
wait_for "$failing" "$merge" "$cancelled" "$cancelled_merge"
[ "$(state "$merge")" = FAILED ] || fail "the merge without a shard is $(state "$merge")"
says "$merge" '17 of 18 shards are complete'
number=$(log "$merge" | sed -n 's/.*--array=\([0-9,-]*\).*/\1/p')
[ "$(state "${failing}_$number")" = FAILED ] || fail "shard $number is named, and did not fail"
says "${failing}_$number" "$(basename "$photograph")"
log "$cancelled_merge" | grep -qE '^  2: begun, [1-9][0-9]* of [0-9]+ pairs$' || fail "what was cancelled is not named"
says "$cancelled_merge" '--array=2 '
step "both are run again, as it says"
mv away "$photograph"
failing=$(submit failing --array="$number")
cancelled=$(submit_two cancelled --array=2)
wait_for "$failing" "$cancelled"
goes_on "${cancelled}_2"
hpflow -q merge failing.jsonl
hpflow -q merge cancelled.jsonl
same failing.jsonl
same cancelled.jsonl whole-longer.jsonl

# --- A search -------------------------------------------------------------------------------------------

step "a search: in a chain of arrays, one of them cancelled, beside a twin, and in one allocation"
maps
plan=(--engine cpu --beam 2 --depth 3 --base "$bases" --candidates "$candidates")
hpflow -q search --root SPair-71k --split val --features maps --out alone.json "${plan[@]}" >/dev/null
chain() {
  local jobs="" first=("$@")
  for _ in 1 2 3; do
    # shellcheck disable=SC2086 # Two words, or none.
    jobs=$(sbatch --parsable "${first[@]}" ${jobs:+--dependency=afterok:$jobs --kill-on-invalid-dep=yes} search.sh "${plan[@]}")
    links+=("$jobs") first=()
  done
}
links=()
chain --hold
scancel "${links[0]}_5"
scontrol release "${links[0]}"
wait_for "${links[@]}"
if broken=$(hpflow search --root SPair-71k --split val --features maps --out search.json --resume "${plan[@]}" 2>&1); then
  fail "a search lacks a part and does not say so"
fi
grep -q ' 17 of 18 parts of depth 1 are complete, 5 not' <<<"$broken" || fail "a search without a part says: $broken"
# Again, whole, and a twin beside it.
chain
chain
wait_for "${links[@]}"
hpflow -q search --root SPair-71k --split val --features maps --out search.json --resume "${plan[@]}" >/dev/null
same search.json alone.json
rm -r search.json search.json.inputs search.json.parts
at_once=$(sbatch --parsable search-at-once.sh "${plan[@]}")
wait_for "$at_once"
[ "$(state "$at_once")" = COMPLETED ] || fail "the search in one allocation is $(state "$at_once")"
same search.json alone.json

# --- A node that dies, and one that is cut off ----------------------------------------------------------

step "a node dies, another is cut off, in the middle of their tasks"
holds dies-1
holds cut-2
# Where each is to begin; what is lost runs on the node that is left.
only() {
  for node in node0 node1 node2; do
    scontrol update NodeName="$node" State="$([ "$node" = "$1" ] && echo RESUME || echo DRAIN)" Reason=test 2>/dev/null || true
  done
}
only node0
dies=$(submit_two dies)
until_ok 120 "a task in the middle" stopped dies-1
only node1
cut=$(submit_two cut)
until_ok 120 "a task in the middle" stopped cut-2
only node2
orphan=$(cat "$work/held/cut-2.pid")
"$TESTS/slurm-test-cluster" fail "$cluster" node0
"$TESTS/slurm-test-cluster" cut "$cluster" node1
twin() { [ "$(find cut.jsonl.shards -maxdepth 1 -name '02-of-02.*-*' -type d | wc -l)" -ge 2 ] || [ -e cut.jsonl.shards/02-of-02.jsonl ]; }
until_ok 120 "the task of the node that was cut off to run elsewhere" twin
kill -CONT "$orphan"
step "the task of the node that was cut off runs twice"
wait_for "$dies" "$cut"
gone() { ! kill -0 "$orphan"; }
until_ok 120 "the orphan" gone
hpflow -q merge dies.jsonl
hpflow -q merge cut.jsonl
same dies.jsonl whole-longer.jsonl
same cut.jsonl whole-longer.jsonl
goes_on "${dies}_1"

# --- The time limit ---------------------------------------------------------------------------------------

step "the task that met its time limit"
wait_for "$limit"
[ "$(state "$limit")" = TIMEOUT ] || fail "the task with a time limit is $(state "$limit")"
limit=$(submit_two limit)
merge=$(merging "$limit" limit.jsonl)
wait_for "$limit" "$merge"
same limit.jsonl whole-longer.jsonl
goes_on "${limit}_2"

step "ending the cluster"
"$TESTS/slurm-test-cluster" down "$cluster"
step "done"
