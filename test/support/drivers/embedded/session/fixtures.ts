import { readdirSync, readFileSync } from "node:fs";
import { Display } from "../../../../../src/drivers/embedded/display/display.ts";
import { findDisplayTools } from "../../../../../src/drivers/embedded/display/tools.ts";
import type { DisplayAddress } from "../../../../../src/drivers/embedded/display/xvfb.ts";
import type { EgressOptions } from "../../../../../src/drivers/embedded/egress/egress-proxy.ts";
import {
  findProgram,
  findTools,
  type Tools,
} from "../../../../../src/drivers/embedded/sandbox-tools.ts";
import type { SessionPlace } from "../../../../../src/drivers/embedded/session/session-sandbox.ts";
import { type Bench as ProxyBench, startBench as startProxy } from "../egress/fixtures.ts";
import { openBench, type Bench as WorkspaceBench } from "../fixtures.ts";

/** What the tests of this folder and of test/desktop share. */
export interface SessionBench extends AsyncDisposable {
  readonly workspace: WorkspaceBench;
  readonly display: Display;
  readonly egress: ProxyBench;
  /** Where a session would be started, with parts of its sandbox taken away where a test asks. */
  place(weakened?: SessionPlace["weakened"]): Promise<SessionPlace>;
  address(signal: AbortSignal): Promise<DisplayAddress>;
}

/** Never aborts. */
export const never = new AbortController().signal;

/** What is missing here for a real session, said once; undefined: nothing. */
export function missingForSession(...programs: string[]): string | undefined {
  const parts = [findTools(), findDisplayTools()];
  const missing = programs.filter((name) => findProgram(name) === undefined);
  const reasons = parts.flatMap((part) => ("reason" in part ? [part.reason] : []));
  if (missing.length > 0) reasons.push(`not installed: ${missing.join(", ")}`);
  if (reasons.length === 0) return undefined;
  console.warn(`tests in a real session are skipped: ${reasons.join("; ")}`);
  return reasons.join("; ");
}

export async function openSessionBench(
  options: { hidden?: readonly string[]; egress?: Partial<EgressOptions> } = {},
): Promise<SessionBench> {
  const workspace = openBench();
  const { owner } = workspace.workspace;
  const display = new Display({ owner, width: 1024, height: 768 });
  const egress = await startProxy({ owner, ...options.egress });
  const address = async (signal: AbortSignal): Promise<DisplayAddress> =>
    (await display.use(signal)).address;
  return {
    workspace,
    display,
    egress,
    address,
    place: async (weakened) => ({
      tools: toolsHere(),
      workspace: workspace.workspace,
      hidden: [workspace.outside, ...(options.hidden ?? [])],
      display: await address(never),
      egressSocket: egress.proxy.socket,
      ...(weakened === undefined ? {} : { weakened }),
    }),
    [Symbol.asyncDispose]: async () => {
      await egress[Symbol.asyncDispose]();
      await display[Symbol.asyncDispose]();
      workspace[Symbol.dispose]();
    },
  };
}

function toolsHere(): Tools {
  const tools = findTools();
  if ("reason" in tools) throw new Error(tools.reason);
  return tools;
}

/** A process and all it has started, as they are now. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      parents.set(Number(name), Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]));
    } catch {
      // It has ended.
    }
  }
  const family = [pid];
  for (const member of family) {
    for (const [child, parent] of parents) if (parent === member) family.push(child);
  }
  return family;
}

/** Those of these processes that still run; one that only waits to be reaped does not. */
export function alive(pids: readonly number[]): number[] {
  return pids.filter((pid) => {
    try {
      return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  });
}
