#!/bin/bash -eu
# What is done stands in fuzz/build.sh, which .ci/run runs too.
bash "$SRC/dpop-harness/fuzz/build.sh"
