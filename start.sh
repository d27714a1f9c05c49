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
exec "$NODE" --enable-source-maps dist/main.js "$@"
