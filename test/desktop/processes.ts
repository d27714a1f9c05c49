import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

export interface SeenProcess {
  readonly pid: number;
  readonly name: string;
  /** Resolves when it is no more. */
  readonly ended: Promise<void>;
}

/** Every process that descends from this one. */
export function processesUnder(root: number): SeenProcess[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statusOf(Number(name)))
    .filter((status) => status !== undefined);
  const found: { pid: number; name: string; started: string }[] = [];
  const parents = [root];
  for (let parent = parents.shift(); parent !== undefined; parent = parents.shift()) {
    for (const child of all.filter(({ ppid }) => ppid === parent)) {
      found.push(child);
      parents.push(child.pid);
    }
  }
  return found.map(({ pid, name, started }) => ({
    pid,
    name,
    get ended() {
      return endOf(pid, started);
    },
  }));
}

/** There is no event for the end of a process that is nobody's child here: it is looked for. */
async function endOf(pid: number, started: string): Promise<void> {
  while (statusOf(pid)?.started === started) await pause(20);
}

function statusOf(
  pid: number,
): { pid: number; ppid: number; name: string; started: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    const fields = stat.slice(end + 2).split(" ");
    // A zombie has ended.
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const name = stat.slice(stat.indexOf("(") + 1, end);
    return { pid, name, ppid: Number(fields[1]), started: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}
