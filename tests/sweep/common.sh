# shellcheck shell=bash
# shellcheck disable=SC2154  # callers set regroup and scratch
# For the scripts of this folder: a sweep of 500 cells in the folder $scratch, which is made, run in
# one piece for comparison, and killed half way.
spec=$scratch/sweep.json
cells=500

rm -rf "$scratch"
mkdir -p "$scratch"
cat >"$spec" <<'JSON'
{
  "format": "regroup-sweep", "version": 1,
  "policies": [{"policy": "fcfs", "params": {"degree": [1, 2, 4, 8]}}, {"policy": "srtf"}],
  "workloads": [{"generate": "tetriserve-uniform", "count": 4000, "steps": 28, "slo": "alpha=2"}],
  "clusters": ["8xH100"],
  "loads": [1, 2, 3, 4, 5],
  "seeds": 20,
  "baseline": "srtf"
}
JSON

# uninterrupted  runs all of it in $scratch/whole
uninterrupted() {
  "$regroup" sweep --spec "$spec" --out "$scratch/whole" --jobs 2 >"$scratch/whole.log"
}

# runs_in FOLDER  how many runs its records hold
runs_in() {
  cat "$1"/runs/*.jsonl 2>/dev/null | wc -l
}

# wait_for_half FOLDER  until at least 200 runs are done there
wait_for_half() {
  local tries
  for ((tries = 0; tries < 3000; ++tries)); do
    (($(runs_in "$1") >= 200)) && return
    sleep 0.02
  done
  echo "FAIL: $1: 200 runs were not done within a minute"
  exit 1
}

# expect_half FOLDER  what the kill left is neither nothing nor everything
expect_half() {
  local runs
  runs=$(runs_in "$1")
  echo "killed after $runs of $cells runs"
  ((runs > 0 && runs < cells)) && return
  echo "FAIL: that is not half way; give the cells of tests/sweep/common.sh more requests"
  exit 1
}

# expect_same FOLDER  results equal to the uninterrupted sweep's, and no run done twice
expect_same() {
  local file runs
  for file in cells.csv summary.csv sweep.json; do
    cmp "$scratch/whole/$file" "$1/$file"
  done
  # The end of the line that was being written may be missing from some files.
  runs=$(grep -h -o '^{"run":"[^"]*".*}$' "$1"/runs/*.jsonl | wc -l)
  if ((runs != cells)); then
    echo "FAIL: $1: $runs runs in the records, expected each of $cells once"
    exit 1
  fi
  echo "same results, each run once"
}
