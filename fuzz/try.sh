#!/usr/bin/env bash
# Runs each target that fuzz/build.sh built for SECONDS_EACH (5) on its seeds, as the engines of OSS-Fuzz would.
set -euo pipefail
: "${OUT:?the folder that fuzz/build.sh filled}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tried=0
for corpus in "$OUT"/*_seed_corpus.zip; do
  target=$(basename "$corpus" _seed_corpus.zip)
  mkdir -p "$work/$target"
  python3 -m zipfile -e "$corpus" "$work/$target"
  dictionary=()
  [ -f "$OUT/$target.dict" ] && dictionary=("-dict=$OUT/$target.dict")
  "$OUT/$target" "$work/$target" "${dictionary[@]}" -artifact_prefix="$work/" -max_total_time="${SECONDS_EACH:-5}" \
    -print_final_stats=1 2>"$work/log" || { tail -40 "$work/log"; echo "$target: failed"; exit 1; }
  printf '%s: %s executions, coverage %s\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")" \
    "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$work/log" | tail -1)"
  tried=$((tried + 1))
done
[ "$tried" -gt 0 ] || { echo "nothing was built in $OUT"; exit 1; }
