#!/bin/sh
# Every exit code of `dpop run` as a script sees it, and which one counts where several hold. `dpop` is on the path, the folder is
# empty, and RESOURCE, BUGGY, ISSUER and NOBODY are free ports.
set -u

failed=0
expect() { # code, what, command
  want=$1 what=$2
  shift 2
  "$@" >said 2>&1
  got=$?
  if [ "$got" -eq "$want" ]; then
    echo "ok $want: $what"
  else
    echo "NOT OK: $what: $got instead of $want: $*"
    cat said
    failed=1
  fi
}

config() { # file, port, audience, more
  cat >"$1" <<END
dpop: 1
target: { name: here, resource: GET http://127.0.0.1:$2/resource, bearer: refused }
auth:
  kind: embedded
  listen: 127.0.0.1:$ISSUER
  issuer: http://127.0.0.1:$ISSUER
  audience: $3
$4
END
}

serve() { # log, port, more
  log=$1 port=$2
  shift 2
  dpop serve --listen "127.0.0.1:$port" --trust "http://127.0.0.1:$ISSUER" "$@" >"$log" 2>&1 &
  servers="$servers $!"
  until grep -q "Ctrl-C ends it" "$log"; do
    kill -0 $! || { cat "$log"; exit 1; }
    sleep 0.1
  done
}

servers=
trap 'kill $servers 2>/dev/null' EXIT

# The built-in server.
expect 0 "all conforms" dpop run rs.ath
expect 0 "a warning" dpop run rs.htu --defect htu-literal
expect 1 "a warning that is denied" dpop run rs.htu --defect htu-literal --deny warn
expect 1 "a nonconformity" dpop run rs.ath --defect ath-not-checked
expect 2 "an unknown option" dpop run --no-such-option
expect 2 "a report in no format" dpop run rs.ath --report nothing=x
expect 4 "a case that there is not" dpop run rs.nothing
expect 4 "filters that leave nothing" dpop run rs.ath --cwe 9999

# Bad files.
echo "dpop: 1" >unfinished.yaml
expect 2 "a config without a target" dpop run --config unfinished.yaml
expect 2 "a config that is not there" dpop run --config nowhere.yaml
mkdir bad
echo "id: rs.mine" >bad/mine.yaml
expect 2 "a scenario without cases" dpop run --scenarios bad

# Servers of their own, the second with a bug.
serve clean.log "$RESOURCE"
serve buggy.log "$BUGGY" --defect ath-not-checked
clean=http://127.0.0.1:$RESOURCE buggy=http://127.0.0.1:$BUGGY
config clean.yaml "$RESOURCE" "$clean" ""
expect 0 "all conforms, and nothing was reviewed" dpop run rs.ath --config clean.yaml
expect 0 "it is reviewed" dpop review --accept --config clean.yaml
expect 0 "all is as it was reviewed" dpop run rs.ath --config clean.yaml

waiver() { echo "waive: [{ case: $1, reason: a test, expires: $2 }]"; }
config drifted.yaml "$BUGGY" "$buggy" "$(waiver rs.ath.missing 2999-12-31)"
expect 1 "drift, although the failure is waived" dpop run rs.ath.missing --config drifted.yaml
rm -r snapshots
expect 0 "a failure that is waived" dpop run rs.ath.missing --config drifted.yaml
config expired.yaml "$BUGGY" "$buggy" "$(waiver rs.ath.missing 2020-01-31)"
expect 1 "a waiver that has expired" dpop run rs.ath.missing --config expired.yaml
config stale.yaml "$RESOURCE" "$clean" "$(waiver rs.ath.missing 2999-12-31)"
expect 1 "a waiver that waives nothing" dpop run rs.ath.missing --config stale.yaml
config unknown.yaml "$RESOURCE" "$clean" "$(waiver rs.ath.mising 2999-12-31)"
expect 2 "a waiver for no case" dpop run rs.ath.missing --config unknown.yaml

# The surroundings.
config gone.yaml "$NOBODY" "$clean" ""
expect 3 "nobody listens" dpop run rs.ath --config gone.yaml
config audience.yaml "$RESOURCE" https://elsewhere.test ""
expect 3 "a correct request is refused" dpop run rs.ath --config audience.yaml
cat >tokenless.yaml <<END
dpop: 1
target: { name: here, resource: GET $clean/resource, bearer: refused }
auth: { kind: command, command: [sh, -c, exit 1] }
END
expect 3 "there is no token" dpop run rs.ath --config tokenless.yaml
expect 3 "a report that can't be written" dpop run rs.ath --report json=/nowhere/x.json

# Where several hold: 130, 2, 4, 1, 3.
expect 2 "a bad config, and a case that there is not" dpop run rs.nothing --config unfinished.yaml
config buggy.yaml "$BUGGY" "$buggy" ""
expect 1 "a nonconformity, and an end before all was seen" dpop run rs.ath --config buggy.yaml --max-requests 25 --jobs 1
grep -q inconclusive said || { echo "NOT OK: nothing was inconclusive"; cat said; failed=1; }

: >seen
dpop run rs.ath rs.time --tag missing-ath,slow --config buggy.yaml --report ndjson=seen >said 2>&1 &
run=$!
until grep -q '"verdict":"fail"' seen; do
  kill -0 $run 2>/dev/null || break
  sleep 0.1
done
interrupt() {
  kill -INT $run
  wait $run
}
expect 130 "interrupted, with a nonconformity seen by then" interrupt

exit $failed
