#!/usr/bin/env bash
# Builds every fuzz target the way OSS-Fuzz and ClusterFuzzLite want it: programs, seed corpora and dictionaries in $OUT. They say with
# $SANITIZER what to build: with address sanitizer, or for their coverage reports, where their own `cargo` passes over these options.
# Here: OUT=target/fuzz-out SANITIZER=none bash fuzz/build.sh, and then fuzz/try.sh runs each for a few seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${OUT:?the folder for what is built}"
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
sanitizer=${SANITIZER:-address}
case $sanitizer in
  none | address) cargo fuzz build -s "$sanitizer" -O --debug-assertions --codegen-units 16 ;;
  coverage) cargo fuzz build -O ;;
  *) echo "no sanitizer \"$sanitizer\": none, address or coverage" >&2 && exit 2 ;;
esac

# Without their flags, which are for the targets alone: no proc macro is loaded with them.
env -u RUSTFLAGS -u CFLAGS -u CXXFLAGS DPOP_SEEDS="$OUT/seeds" cargo test --quiet -p dpop-harness --lib fuzzing::tests::seeds_are_files

triple=$(rustc -vV | sed -n 's/^host: //p')
for source in fuzz/fuzz_targets/*.rs; do
  target=$(basename "$source" .rs)
  cp "fuzz/target/$triple/release/$target" "$OUT/$target"
  mkdir -p "$OUT/seeds/$target"
  for folder in "fuzz/seeds/$target" "fuzz/regressions/$target"; do
    if [ -d "$folder" ]; then cp "$folder"/* "$OUT/seeds/$target/"; fi
  done
  (cd "$OUT/seeds/$target" && rm -f "$OUT/${target}_seed_corpus.zip" && python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" ./*)
  case $target in
    *_reader | *_parser | htu | public_key) cp fuzz/dictionary/jws.dict "$OUT/$target.dict" ;;
  esac
done
rm -rf "$OUT/seeds"
