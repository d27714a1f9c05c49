#!/usr/bin/env node
// The entry of the command line. It stays readable for old versions of Node, so that it can tell
// people to install a newer one where the rest of the program would be a syntax error.
const OLDEST = 24;

if (Number(process.versions.node.split(".")[0]) >= OLDEST) {
  await import("./run-process.ts");
} else {
  process.stderr.write(
    `error: bytebot-gateway needs Node ${OLDEST} or newer. This is Node ${process.version}, ${process.execPath}.\n` +
      "hint:  Install a newer one: https://nodejs.org\n",
  );
  process.exitCode = 2;
}
