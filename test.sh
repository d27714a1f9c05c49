#!/usr/bin/env bash
# Runs every test, from a fresh clone too; arguments go to vitest. The last line counts them.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")"
# shellcheck source=scripts/prepare.sh
. scripts/prepare.sh

prepare
PATH=$(dirname -- "$NODE"):$PATH
export PATH
exec "$NODE" scripts/test.ts "$@"
