#!/usr/bin/env bash
# Runs dpop with the inputs of the action. Each is one argument, whatever characters it has; an empty one is none.
set -uo pipefail

arguments=()
while IFS= read -r id; do
  [ -z "$id" ] || arguments+=("$id")
done <<<"${INPUT_CASES:-}"
while IFS= read -r report; do
  [ -z "$report" ] || arguments+=("--report=$report")
done <<<"${INPUT_REPORTS:-}"
[ -z "${INPUT_CONFIG:-}" ] || arguments+=("--config=$INPUT_CONFIG")
[ -z "${INPUT_PROFILE:-}" ] || arguments+=("--profile=$INPUT_PROFILE")
[ -z "${INPUT_DENY:-}" ] || arguments+=("--deny=$INPUT_DENY")
[ -z "${INPUT_PARTITION:-}" ] || arguments+=("--partition=$INPUT_PARTITION")
[ "${INPUT_AUTHORISED:-false}" != true ] || arguments+=(--authorised)

"${INPUT_BINARY:-dpop}" run "${arguments[@]}"
code=$?
echo "exit-code=$code" >>"$GITHUB_OUTPUT"
exit "$code"
