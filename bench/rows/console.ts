import { setTimeout as pause } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { Pool } from "undici";
import { browserPath, ConsoleBrowser } from "../../test/support/console-browser.ts";
import { type Gateway, startGateway } from "../../test/support/gateway.ts";
import { post } from "../load.ts";
import { type Bench, limitRow } from "../row.ts";
import { SECRET, sign } from "../signing.ts";

const WAITING = 1000;
const EVENTS_PER_SECOND = 50;
/** Each plans one task and cancels another: two events, and as many wait as before. */
const BURSTS_PER_SECOND = 5;
const ROUNDS = 3;
const ROUND_MS = 10_000;
const CONNECTIONS = 8;

interface Round {
  /** The longest time from one frame to the next, ms. */
  readonly longestFrame: number;
  readonly frames: number;
  /** Of the page's main thread, ms of processor time: others' work on the machine does not count. */
  readonly longestTask: number;
}

/** The console's inbox in Chromium while events pour in, beside the same page at rest. */
export const benchConsole: Bench = async (report) => {
  if (browserPath === undefined) throw new Error("the row console needs Chromium");
  await using gateway = await startGateway({ policy: POLICY, env: { SHARED_SECRET: SECRET } });
  await using chromium = await ConsoleBrowser.open();
  const seat = await chromium.sit(gateway);
  await seat.enrol("Bench");
  await using load = new Load(gateway);
  await load.fill();
  await seat.open();
  await seat.page.locator(".count", { hasText: String(WAITING) }).waitFor();

  const idle: Round[] = [];
  const busy: Round[] = [];
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const rest = await trace(seat.page);
    const [rate, under] = await Promise.all([load.pour(ROUND_MS), trace(seat.page)]);
    // The first has the page's code compiled.
    if (round === 0) continue;
    idle.push(rest);
    busy.push(under);
    rates.push(rate);
    report(
      `console ${round}/${ROUNDS}: ${ms(under.longestFrame)} beside ${ms(rest.longestFrame)} idle`,
    );
  }
  // A page that follows nothing would be quick, too.
  await seat.page.locator(".row", { hasText: load.newcomer }).waitFor();
  await seat.page.locator(".count", { hasText: String(WAITING) }).waitFor();
  const rate = Math.min(...rates);
  if (rate < EVENTS_PER_SECOND * 0.9) throw new Error(`only ${rate.toFixed(1)} events a second`);
  const longest = (rounds: Round[], of: "longestFrame" | "longestTask"): number =>
    Math.max(...rounds.map((round) => round[of]));
  const note = (of: "longestFrame" | "longestTask") => `${ms(longest(idle, of))} idle`;
  const frames = `${busy.reduce((sum, round) => sum + round.frames, 0)} frames`;
  return [
    limitRow(
      "longest frame of the inbox, 1,000 waiting, 50 events a second",
      longest(busy, "longestFrame"),
      100,
      " ms",
      `${note("longestFrame")}, ${frames}`,
    ),
    limitRow(
      "its longest task meanwhile, processor time",
      longest(busy, "longestTask"),
      100,
      " ms",
      note("longestTask"),
    ),
  ];
};

/** Keeps so many plans waiting, and the events coming. */
class Load implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #waiting: { readonly id: string; readonly path: string }[] = [];
  #made = 0;

  constructor(gateway: Gateway) {
    this.#pool = new Pool(gateway.url, { connections: CONNECTIONS, pipelining: 1 });
  }

  async fill(): Promise<void> {
    while (this.#waiting.length < WAITING) {
      await Promise.all(Array.from({ length: CONNECTIONS }, () => this.#plan()));
    }
  }

  /** Resolves with how many events a second there were. */
  async pour(milliseconds: number): Promise<number> {
    const begun = performance.now();
    const pairs = EVENTS_PER_SECOND / BURSTS_PER_SECOND / 2;
    const bursts = (milliseconds / 1000) * BURSTS_PER_SECOND;
    const sent: Promise<unknown>[] = [];
    for (let burst = 1; burst <= bursts; burst += 1) {
      for (let pair = 0; pair < pairs; pair += 1) sent.push(this.#cancel(), this.#plan());
      await pause(Math.max(0, begun + (burst * 1000) / BURSTS_PER_SECOND - performance.now()));
    }
    await Promise.all(sent);
    return sent.length / ((performance.now() - begun) / 1000);
  }

  /** The path of a plan that came while events poured, and stands in view by now. */
  get newcomer(): string {
    return this.#waiting[CONNECTIONS]?.path ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }

  async #plan(): Promise<void> {
    this.#made += 1;
    const parameters = { path: `/tmp/${this.#made}.txt`, content: "one line\n".repeat(20) };
    const body = JSON.stringify({ action: "fs.write", parameters });
    const { task_id } = JSON.parse(await post(this.#pool, "/plan", body)) as { task_id: string };
    this.#waiting.push({ id: task_id, path: parameters.path });
  }

  async #cancel(): Promise<void> {
    // Of those in view, which moves the list; not the first, which is open beside it.
    const [task] = this.#waiting.splice(CONNECTIONS, 1);
    const path = `/tasks/${task?.id}/cancel`;
    const headers = sign(`POST ${path}:{}`);
    const answer = await this.#pool.request({ method: "POST", path, headers, body: "{}" });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new Error(`${path} answered ${answer.statusCode}: ${text}`);
  }
}

/** Traces the page for a round in which it asks for every frame that there can be. */
async function trace(page: Page): Promise<Round> {
  const browser = page.context().browser();
  if (browser === null) throw new Error("no browser");
  await browser.startTracing(page, { categories: ["devtools.timeline", TASKS] });
  await page.evaluate(ASK_FOR_FRAMES);
  return readTrace(await stopTracing(browser));
}

async function stopTracing(browser: Browser): Promise<TraceEvent[]> {
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: TraceEvent[];
  };
  return traceEvents;
}

function readTrace(events: readonly TraceEvent[]): Round {
  const frames = events.filter(({ name, args }) => name === FRAME && args?.data?.id !== undefined);
  const page = frames[0];
  if (page === undefined) throw new Error("no frame in the trace");
  const isOfPage = ({ pid, tid }: TraceEvent) => pid === page.pid && tid === page.tid;
  const times = frames
    .filter(isOfPage)
    .map(({ ts }) => ts)
    .sort((a, b) => a - b);
  const between = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const tasks = events.filter(({ name }) => name === "RunTask").filter(isOfPage);
  if (between.length < 100 || tasks.length === 0) throw new Error("too little in the trace");
  return {
    longestFrame: Math.max(...between) / 1000,
    frames: between.length,
    longestTask: tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur), 0) / 1000,
  };
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

/** As Chromium's trace has it; times in µs. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  /** Processor time of the thread. */
  readonly tdur?: number;
  readonly args?: { readonly data?: { readonly id?: number } };
}

const TASKS = "disabled-by-default-devtools.timeline";
const FRAME = "FireAnimationFrame";

const ASK_FOR_FRAMES = `new Promise((done) => {
  const end = performance.now() + ${ROUND_MS};
  const next = (time) => (time < end ? requestAnimationFrame(next) : done());
  requestAnimationFrame(next);
})`;

const POLICY = {
  capabilities: { "fs.write": { enabled: true, allowed_paths: ["/tmp"] } },
  security: { rate_limit_per_minute: 10_000_000, max_queued_tasks: 100_000, plan_ttl_s: 3600 },
};
