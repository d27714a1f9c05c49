# Sourced by start.sh, test.sh and .ci/run from the project's root: installs what package-lock.json
# names and builds dist/, each only where something changed. Sets NODE to a Node of at least 24.

say() { printf '%s\n' "$*" >&2; }
fail() { printf '\n%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
major_of() { "$1" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

prepare() {
  local stamp=node_modules/.installed-lock.json
  command -v node >/dev/null 2>&1 ||
    fail "Node.js is not installed. Install Node 20 or newer, with npm: https://nodejs.org"
  command -v npm >/dev/null 2>&1 ||
    fail "npm is not installed. It comes with Node.js; Debian has it in the package npm."
  [ "$(major_of node)" -ge 20 ] ||
    fail "Node $(node -v) is too old. Install Node 20 or newer: https://nodejs.org"

  if ! cmp -s package-lock.json "$stamp"; then
    say "Installing what package-lock.json names (once, about half a minute) …"
    [ -w . ] || fail "$PWD is not writable by $(id -un): clone the project as the user who starts it."
    npm ci --include=dev --no-fund --no-audit --loglevel=error >/dev/null </dev/null ||
      fail "npm ci failed, see above. It needs to reach the npm registry."
    cp package-lock.json "$stamp"
  fi

  # The npm package `node` brings the Node that the project pins.
  NODE=$PWD/node_modules/.bin/node
  if [ "$(major_of "$NODE")" -lt 24 ]; then
    NODE=$(command -v node)
    [ "$(major_of "$NODE")" -ge 24 ] ||
      fail "the npm package 'node' did not bring Node 24. Is ignore-scripts set in npm's configuration?" \
        "Run 'npm rebuild node --ignore-scripts=false', or install Node 24."
  fi
  "$NODE" scripts/build.ts --if-stale >&2 || fail "the build failed, see above."
}
