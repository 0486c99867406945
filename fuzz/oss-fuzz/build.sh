#!/bin/bash -eu
# What is done stands in the repository, where it is tested: fuzz/build.sh.
bash "$SRC/dpop-harness/fuzz/build.sh"
