import { VERSION } from "../lib/version.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { runCli } from "./run-cli.ts";
import type { Shell } from "./shell.ts";

// Reading `… | head` ends our output early: that is no error worth a trace.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT.brokenPipe);
  });
}

let abort: AbortController | undefined;

const shell: Shell = {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  exit: EXIT.ok as ExitCode,
  // Only a command that can wait takes them over; `serve` has a way of its own.
  get signal(): AbortSignal {
    if (abort === undefined) {
      const controller = new AbortController();
      abort = controller;
      for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => controller.abort());
    }
    return abort.signal;
  },
};

process.exitCode = await runCli(process.argv.slice(2), shell, VERSION);
