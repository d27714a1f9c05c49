import type { Command } from "commander";
import { findMain, launch } from "../launch.ts";
import { makeSecrets } from "../make-secrets.ts";
import { programOf } from "../output.ts";
import type { Shell } from "../shell.ts";
import { welcome } from "../welcome.ts";

export function addServeCommand(program: Command, shell: Shell): void {
  program
    .command("serve")
    .summary("start the gateway here, until a signal")
    .description(
      "Starts the gateway with the configuration of the environment, ./.env and CONFIG_DIR, and " +
        "runs until SIGTERM or Ctrl-C. Where they give no secrets, it makes them first, in ./.env " +
        "and ./approver.key.",
    )
    .action(() => {
      const { cwd: folder, env: environment } = shell;
      const made = makeSecrets(folder, environment);
      shell.stdout.write(welcome({ folder, environment, made, program: programOf(environment) }));
      const { args, env } = launch(findMain(), shell.env);
      // The server takes this process's place: signals and the exit code are its own, and it runs
      // with options of Node that are read at a start only.
      process.execve?.(process.execPath, [process.execPath, ...args], env);
      throw new Error(
        "this system cannot replace a process: start dist/main.js with Node yourself",
      );
    });
}
