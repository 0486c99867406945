#!/usr/bin/env bash
# Builds the release for a platform and packs it: the program, its completions and manual pages, the licences, and a list of every
# crate in it (the SBOM), with a checksum. What comes of it is what .github/actions/dpop/install.sh downloads.
#   bash xtask/release/archive.sh TARGET [PROGRAM]     with PROGRAM, that one is packed and nothing is built
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

target=$1
archives="$PWD/target/release-archives"
folder="$archives/$target"
name=dpop
[[ $target != *windows* ]] || name=dpop.exe

program=${2:-}
if [ -z "$program" ]; then
  cargo build --release --locked --package dpop-harness --bin dpop --target "$target"
  program="target/$target/release/$name"
fi

rm -rf "$folder"
mkdir -p "$folder/completions" "$folder/man"
cp "$program" "$folder/$name"
cp LICENSE-APACHE LICENSE-MIT README.md "$folder"
for shell in bash elvish fish powershell zsh; do
  "$folder/$name" completions "$shell" >"$folder/completions/dpop.$shell"
done
"$folder/$name" man --output "$folder/man"
cargo metadata --format-version 1 --locked --filter-platform "$target" | node xtask/release/sbom.mjs >"$folder/dpop.cdx.json"

cd "$folder"
tar -czf "$archives/dpop-$target.tar.gz" ./*
cd "$archives"
if command -v sha256sum >/dev/null; then sum=(sha256sum); else sum=(shasum -a 256); fi
"${sum[@]}" "dpop-$target.tar.gz" >"dpop-$target.tar.gz.sha256"
rm -rf "$folder"
