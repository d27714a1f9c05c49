import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Child } from "../child.ts";
import type { World } from "./world.ts";

/** What the gateway holds while nobody uses it. */
export interface Rest {
  readonly memoryMb: number;
  readonly heapMb: number;
  /** Open files and sockets. */
  readonly descriptors: number;
  /** How many of each, by what they lead to. */
  readonly open: Readonly<Record<string, number>>;
  readonly threads: number;
  readonly subscribers: number;
}

/** Delay of the gateway's event loop between two looks, ms. */
export interface Delay {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly p99: number;
  readonly max: number;
}

const MEGABYTE = 1024 * 1024;
const LOOK_MS = 5000;

export async function readRest(gateway: Child, metrics: Metrics): Promise<Rest> {
  const status = await readFile(`/proc/${gateway.process.pid}/status`, "utf8");
  const open = await readOpen(`/proc/${gateway.process.pid}/fd`);
  return {
    memoryMb: (await gateway.memory()) / MEGABYTE,
    heapMb: metrics.value("nodejs_heap_size_used_bytes") / MEGABYTE,
    descriptors: Object.values(open).reduce((sum, count) => sum + count, 0),
    open,
    threads: Number(/Threads:\s+(\d+)/.exec(status)?.[1]),
    subscribers: metrics.value("bytebot_gateway_event_subscribers"),
  };
}

async function readOpen(folder: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const descriptor of await readdir(folder)) {
    // One that was closed meanwhile leads nowhere.
    const target = await readlink(join(folder, descriptor)).catch(() => undefined);
    const kind = target
      ?.replace(/^(socket|pipe):.*/, "$1")
      .replace(/\/artifact_[\w-]+/, "/artifact");
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Looks at the event loop every few seconds; its histogram begins anew with each look. */
export async function watchDelay(world: World): Promise<Delay[]> {
  const begun = performance.now();
  const delays: Delay[] = [];
  while (!world.signal.aborted) {
    const metrics = await readMetrics(world.url, () => world.ask("metrics", "GET", "/metrics"));
    const ms = (name: string) => (metrics?.value(name) ?? Number.NaN) * 1000;
    if (metrics !== undefined) {
      delays.push({
        at: (performance.now() - begun) / 1000,
        p99: ms("nodejs_eventloop_lag_p99_seconds"),
        max: ms("nodejs_eventloop_lag_max_seconds"),
      });
    }
    await world.pause(LOOK_MS);
  }
  // The first covers the start.
  return delays.slice(1);
}

export class Metrics {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Of a metric without labels; not a number where it is not there. */
  value(name: string): number {
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(this.#text)?.[1]);
  }
}

/** @param ask how it is asked for; where it is missing, unmeasured */
export async function readMetrics(
  url: string,
  ask?: () => Promise<{ readonly body: Buffer } | undefined>,
): Promise<Metrics | undefined> {
  if (ask === undefined) return new Metrics(await (await fetch(`${url}/metrics`)).text());
  const answer = await ask();
  return answer && new Metrics(answer.body.toString());
}
