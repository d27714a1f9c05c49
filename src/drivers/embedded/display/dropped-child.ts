import { type ChildProcess, spawn } from "node:child_process";
import type { Owner } from "../confined-path.ts";
import { droppedCommand } from "../dropped-command.ts";
import { withoutInherited } from "../inherited-descriptors.ts";

/** How long a process may take to end by itself before it is killed; milliseconds. */
const GRACE = 2000;

/** Where a child writes what it has to report. */
export const REPORT_FD = 3;

/** A process of the display. Disposing of it ends it and waits until it has. */
export interface DroppedChild extends AsyncDisposable {
  readonly process: ChildProcess;
  /** Resolves when it has ended, or could not be started. Never rejects. */
  readonly ended: Promise<void>;
  readonly hasEnded: boolean;
}

/**
 * Starts a program as the display's user, without privileges, with nothing of the gateway's
 * environment or descriptors, and so that it dies with the gateway.
 */
export function startDropped(
  setpriv: string,
  owner: Owner | undefined,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): DroppedChild {
  const [program = "", ...rest] = droppedCommand(setpriv, owner, command);
  const child = spawn(program, rest, {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", ...environment },
    stdio: withoutInherited(["ignore", "ignore", "ignore", "pipe"]),
  });
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      hasEnded = true;
      resolve();
    };
    child.once("error", end).once("exit", end);
  });
  return {
    process: child,
    ended,
    get hasEnded() {
      return hasEnded;
    },
    async [Symbol.asyncDispose]() {
      if (!hasEnded) child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), GRACE);
      await ended;
      clearTimeout(timer);
    },
  };
}
