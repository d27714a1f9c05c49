#!/usr/bin/env bash
# Starts the gateway: installs and builds what changed, makes secrets on the first run, says where
# to look, and becomes the server (so signals and the exit code are the server's own).
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh

prepare
"$NODE" scripts/first-run.ts

# What V8 compiled last time: saves 60 ms at every start.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$PWD/dist/.compile-cache}"
# Memory that a burst of work needed goes back to the system.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-131072}"
exec "$NODE" --enable-source-maps --max-semi-space-size=4 dist/main.js "$@"
