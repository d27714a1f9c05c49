# Sourced by the scripts of a clone. `find_node` sets NODE to a Node of at least 24: the machine's own,
# else the one that scripts/node/package-lock.json pins, fetched once into .node/.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
fail() { printf '\n%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The major version of a program that may be missing, or no Node at all: 0 then.
major_of() {
  local version
  version=$("$1" -v 2>/dev/null) || version=
  if [[ $version =~ ^v([0-9]+)\. ]]; then echo "${BASH_REMATCH[1]}"; else echo 0; fi
}

find_node() {
  NODE=$(command -v node || true)
  local major=0
  [ -z "$NODE" ] || major=$(major_of "$NODE")
  [ "$major" -lt 24 ] || return 0
  # What was fetched before serves where there is no Node on the PATH either, as for programs that a
  # desktop starts.
  cmp -s "$ROOT/scripts/node/package-lock.json" "$ROOT/.node/package-lock.json" || fetch_node "$major"
  NODE=$(fetched_node "$ROOT/.node")
  [ "$(major_of "$NODE")" -ge 24 ] ||
    fail "the Node in $ROOT/.node does not run on this machine. Install Node 24 or newer: https://nodejs.org"
}

fetched_node() { compgen -G "$1/node_modules/node-*/bin/node" || true; }

# npm checks the hash in the lock file, and no install script is run.
fetch_node() {
  [ -n "$NODE" ] || fail "Node.js is not installed. Install Node 24 or newer, with npm: https://nodejs.org"
  command -v npm >/dev/null 2>&1 ||
    fail "npm is not installed. It comes with Node.js; Debian has it in the package npm."
  [ "$1" -ge 20 ] || fail "Node $(node -v) is too old. Install Node 24 or newer: https://nodejs.org"
  [ -w "$ROOT" ] || fail "$ROOT is not writable by $(id -un): clone the project as the user who starts it."
  say "Node $(node -v) is older than 24: fetching one for this folder alone (once, 45 MB) …"
  local fresh
  fresh=$(mktemp -d "$ROOT/.node.new-XXXXXX")
  cp "$ROOT"/scripts/node/package*.json "$fresh"
  (cd -- "$fresh" && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error >/dev/null </dev/null) ||
    { rm -rf "$fresh"; fail "npm could not fetch Node 24, see above. Install Node 24 or newer: https://nodejs.org"; }
  # npm passes over a package that it cannot fetch or that is not made for this machine.
  [ -n "$(fetched_node "$fresh")" ] ||
    { rm -rf "$fresh"; fail "npm brought no Node 24 for $(uname -sm): is the npm registry reachable?" \
      "Or install Node 24 or newer: https://nodejs.org"; }
  chmod 755 "$fresh"
  rm -rf "$ROOT/.node"
  mv -T "$fresh" "$ROOT/.node"
}
