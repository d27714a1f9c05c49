import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import type { Child } from "../child.ts";
import type { Bench } from "../row.ts";
import { type Actor, perform } from "../soak/actor.ts";
import { consoleActors } from "../soak/actors/console.ts";
import { DESKTOP_ACTORS } from "../soak/actors/desktop.ts";
import { MODEL_ACTORS } from "../soak/actors/models.ts";
import { rogues } from "../soak/actors/rogues.ts";
import { TASK_ACTORS } from "../soak/actors/tasks.ts";
import { WATCHERS } from "../soak/actors/watchers.ts";
import { measureLiveHeap } from "../soak/collect-garbage.ts";
import { Meter } from "../soak/meter.ts";
import { servePage } from "../soak/page.ts";
import { enrol } from "../soak/person.ts";
import { type Outcome, soakRows, tellDetails } from "../soak/soak-report.ts";
import { startSoaked } from "../soak/start-soaked.ts";
import { readMetrics, readRest, watchDelay } from "../soak/vitals.ts";
import { World } from "../soak/world.ts";

const SECONDS = 600;
const REST_MS = 5000;
/** After it, connections that were left have been closed and what V8 collects by itself is collected. */
const SETTLE_MS = 30_000;

/** Everything that people and programs do with the gateway, mixed, for ten minutes. */
export const benchSoak: Bench = async (report, { seconds = SECONDS } = {}) => {
  await using page = await servePage();
  const soaked = await startSoaked();
  await using gateway = soaked.gateway;
  const { keys, log } = soaked;
  const died = once(gateway.process, "exit").then(([code, signal]) => `${signal ?? code}`);
  await pause(REST_MS);
  const before = await rest(gateway);

  const meter = new Meter();
  const over = new AbortController();
  await using world = new World({ url: gateway.url, keys, pageUrl: page.url }, meter, over.signal);
  const person = await enrol(world, log.link);
  const actors = [
    ...TASK_ACTORS,
    ...DESKTOP_ACTORS,
    ...MODEL_ACTORS,
    ...consoleActors(person),
    ...WATCHERS,
    ...rogues(person),
  ];
  const own = monitorEventLoopDelay({ resolution: 10 });
  own.enable();
  const begun = performance.now();
  const delays = watchDelay(world);
  const end = await run(world, actors, over, died, seconds, report);
  const lasted = Math.min(seconds, (performance.now() - begun) / 1000);
  own.disable();

  const outcome: Outcome = {
    seconds,
    lasted,
    end,
    meter,
    log,
    before,
    delays: await delays,
    ownDelayMs: own.percentile(99) / 1e6,
  };
  if (end !== undefined) return tell(outcome, report);
  report("soak: settles");
  await resume(world);
  // Connections that the load generator keeps alive are none that the gateway leaves behind.
  await world[Symbol.asyncDispose]();
  await pause(SETTLE_MS);
  const after = await rest(gateway);
  const liveHeapMb = await measureLiveHeap(gateway.process, soaked.inspector);
  return tell({ ...outcome, after, liveHeapMb }, report);
};

function tell(outcome: Outcome, report: (progress: string) => void) {
  tellDetails(outcome, report);
  return soakRows(outcome);
}

/** Resolves with what the process ended with, or undefined where it outlived the time. */
async function run(
  world: World,
  actors: readonly Actor[],
  over: AbortController,
  died: Promise<string>,
  seconds: number,
  report: (progress: string) => void,
): Promise<string | undefined> {
  const performance_ = perform(world, actors);
  const begun = performance.now();
  const told = setInterval(() => {
    const at = Math.round((performance.now() - begun) / 1000);
    report(`soak: ${at} of ${seconds} s, ${world.meter.answers} answers`);
  }, 30_000);
  const end = await Promise.race([died, pause(seconds * 1000, undefined)]);
  clearInterval(told);
  over.abort();
  await performance_;
  return end;
}

/** A stop may have been the last thing that was done. */
async function resume({ url, keys }: World): Promise<void> {
  const meter = new Meter();
  await using world = new World({ url, keys, pageUrl: "" }, meter, new AbortController().signal);
  await world.ask("resume", "POST", "/resume", { key: keys.approver });
}

async function rest(gateway: Child) {
  const metrics = await readMetrics(gateway.url);
  if (metrics === undefined) throw new Error("no metrics");
  return readRest(gateway, metrics);
}
