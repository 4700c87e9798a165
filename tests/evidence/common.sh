# shellcheck shell=bash
# shellcheck disable=SC2154  # callers set scratch
# For the tests of tools/gpu-evidence.

# expect CODE COMMAND...  its exit code is this; what it prints goes to $scratch/said
expect() {
  local wanted=$1 code=0
  shift
  "$@" >"$scratch/said" 2>&1 || code=$?
  ((code == wanted)) && return
  cat "$scratch/said"
  echo "FAIL: exit code $code instead of $wanted: $*"
  exit 1
}

# said TEXT  the last command printed it
said() {
  grep -qF -- "$1" "$scratch/said" && return
  cat "$scratch/said"
  echo "FAIL: not printed: $1"
  exit 1
}

# results FOLDER STAGE=RESULT...  as the stages' files say
results() {
  local folder=$1 each found
  shift
  for each; do
    found=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["result"])' \
      "$folder/${each%=*}.json")
    [[ $found == "${each#*=}" ]] && continue
    cat "$scratch/said"
    echo "FAIL: stage ${each%=*}: $found instead of ${each#*=}"
    exit 1
  done
}
