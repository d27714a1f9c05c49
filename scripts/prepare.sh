# Sourced by start.sh, test.sh, gateway and .ci/run: installs what package-lock.json names and builds
# dist/, each only where something changed. Sets NODE to a Node of at least 24.

# shellcheck source=node.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/node.sh"

prepare() {
  find_node
  cd -- "$ROOT"
  local stamp=node_modules/.installed-lock.json
  if ! cmp -s package-lock.json "$stamp"; then
    command -v npm >/dev/null 2>&1 ||
      fail "npm is not installed. It comes with Node.js; Debian has it in the package npm."
    say "Installing what package-lock.json names (once, about half a minute) …"
    [ -w . ] || fail "$PWD is not writable by $(id -un): clone the project as the user who starts it."
    PATH=$(dirname -- "$NODE"):$PATH npm ci --include=dev --no-fund --no-audit --loglevel=error >/dev/null </dev/null ||
      fail "npm ci failed, see above. It needs to reach the npm registry."
    cp package-lock.json "$stamp"
  fi
  "$NODE" scripts/build.ts --if-stale >&2 || fail "the build failed, see above."
}
