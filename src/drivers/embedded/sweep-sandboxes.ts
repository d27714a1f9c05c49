import { readdirSync, readFileSync } from "node:fs";

/** Whoever's parent has ended is a child of the first process. */
const FIRST_PROCESS = 1;

/**
 * Ends sandboxes of this WORKDIR that nobody owns any more. Bubblewrap's inner process waits for its
 * outer one before it has tied itself to it: killed in that moment, the outer one leaves it waiting
 * for ever. Call it before the first sandbox of this run.
 */
export function sweepSandboxes(workdir: string): void {
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !isLeft(pid, workdir)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself, or is another user's.
    }
  }
}

function isLeft(pid: number, workdir: string): boolean {
  try {
    const [program = "", ...rest] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    if (!program.endsWith("/bwrap")) return false;
    const isOurs = rest.some((argument) => argument.startsWith(`${workdir}/`));
    return isOurs && parentOf(pid) === FIRST_PROCESS;
  } catch {
    // Gone meanwhile, or not to be looked at.
    return false;
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
