#!/usr/bin/env bash
# Downloads a release of dpop, compares it with its checksum, and puts it on the path of the steps that follow.
set -euo pipefail

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) target=x86_64-unknown-linux-musl ;;
  Linux-aarch64) target=aarch64-unknown-linux-musl ;;
  Darwin-arm64) target=aarch64-apple-darwin ;;
  Darwin-x86_64) target=x86_64-apple-darwin ;;
  MINGW*-x86_64 | MSYS*-x86_64) target=x86_64-pc-windows-msvc ;;
  *) echo "there is no release for $(uname -s) on $(uname -m): build dpop, and give its path as binary" >&2; exit 2 ;;
esac

releases="${RELEASES:-https://github.com/$REPOSITORY/releases}"
case "$INPUT_VERSION" in
  latest) from="$releases/latest/download" ;;
  v[0-9]*) from="$releases/download/$INPUT_VERSION" ;;
  *) echo "version: \"$INPUT_VERSION\" is neither latest nor a tag such as v0.1.0" >&2; exit 2 ;;
esac

folder="$RUNNER_TEMP/dpop"
archive="dpop-$target.tar.gz"
mkdir -p "$folder"
cd "$folder"
curl --fail --silent --show-error --location --retry 3 --remote-name "$from/$archive" --remote-name "$from/$archive.sha256"
if command -v sha256sum >/dev/null; then sha256sum --check "$archive.sha256"; else shasum -a 256 --check "$archive.sha256"; fi
tar -xzf "$archive"
echo "$folder" >>"$GITHUB_PATH"
