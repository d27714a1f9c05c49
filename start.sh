#!/usr/bin/env bash
# Starts the gateway: installs and builds what changed, then does what `./gateway serve` does: makes
# secrets on the first run, says where to look, and becomes the server (so signals and the exit code
# are the server's own).
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh

prepare
export GATEWAY_COMMAND=./gateway
exec "$NODE" dist/cli.js serve "$@"
