import { type Bench, limitRow } from "../row.ts";
import { plan } from "../soak/actors/tasks.ts";
import { Meter } from "../soak/meter.ts";
import { enrol } from "../soak/person.ts";
import { startSoaked } from "../soak/start-soaked.ts";
import { readMetrics } from "../soak/vitals.ts";
import { type Ask, World } from "../soak/world.ts";
import { HEAVY_REQUESTS, WRONG_REQUESTS } from "../soak/wrong-requests.ts";

/** What other work on the machine adds is not in every round: the least counts. */
const ROUNDS = 5;
const MAX_STALL_MS = 50;
/** What the histogram of a loop that is never late shows: its own resolution. */
const RESOLUTION_MS = 10;
const PAST_TASKS = 3000;
const WAITING_TASKS = 100;
const AT_ONCE = 16;

interface Request {
  readonly name: string;
  send(world: World): Promise<unknown>;
}

/** For how long each kind of request keeps the gateway's event loop from all others. */
export const benchStall: Bench = async (report) => {
  const soaked = await startSoaked();
  await using gateway = soaked.gateway;
  const { keys, log } = soaked;
  const signal = new AbortController().signal;
  await using world = new World({ url: gateway.url, keys, pageUrl: "" }, new Meter(), signal);
  const person = await enrol(world, log.link);
  await fill(world);
  const stalls: { name: string; ms: number }[] = [];
  for (const { name, send } of requests(world, person.headers)) {
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await longestDelay(world);
      await send(world);
      rounds.push(await longestDelay(world));
    }
    const ms = Math.max(0, Math.min(...rounds) - RESOLUTION_MS);
    stalls.push({ name, ms });
    report(`stall: ${ms.toFixed(1).padStart(7)} ms  ${name}`);
  }
  for (const [what, count] of world.meter.unexpected)
    report(`stall: not as it must be × ${count}: ${what}`);
  const sorted = stalls.toSorted((a, b) => b.ms - a.ms);
  const note = sorted
    .slice(0, 3)
    .map(({ name, ms }) => `${name} ${ms.toFixed(0)} ms`)
    .join(", ");
  return [
    limitRow(
      "what one request stalls the others",
      sorted[0]?.ms ?? Number.NaN,
      MAX_STALL_MS,
      " ms",
      note,
    ),
  ];
};

/** ms that the event loop was late at most since the last look. */
async function longestDelay({ url }: World): Promise<number> {
  const metrics = await readMetrics(url);
  return (metrics?.value("nodejs_eventloop_lag_max_seconds") ?? Number.NaN) * 1000;
}

/** As much behind it as lists and searches have after some days. */
async function fill(world: World): Promise<void> {
  const { writer, default: reader } = world.keys;
  const path = "/tmp/small.txt";
  let left = PAST_TASKS;
  const work = async () => {
    while (left > 0) {
      left -= 1;
      const task = await plan(world, "fill", reader, "fs.read", { path });
      const body = { task_id: task };
      await world.ask("fill", "POST", "/execute?wait=20", { key: reader, body });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (let count = 0; count < WAITING_TASKS; count += 1) {
    const content = "a line of some length\n".repeat(400);
    const parameters = { path: `/tmp/waiting-${count}.txt`, content };
    const task = await plan(world, "fill", writer, "fs.write", parameters);
    await world.ask("fill", "POST", "/execute", { key: writer, body: { task_id: task } });
  }
}

function requests({ keys }: World, headers: Readonly<Record<string, string>>): readonly Request[] {
  const get = (target: string, ask: Ask): Request => ({
    name: `GET ${target}`,
    send: (world) => world.ask(target, "GET", target, ask),
  });
  const tool = (name: string, body: unknown): Request => ({
    name: `tool ${name}`,
    send: (world) => world.ask(name, "POST", `/tools/${name}`, { key: keys.chat, body }),
  });
  const planned = (name: string, action: string, parameters: unknown): Request => ({
    name: `plan: ${name}`,
    send: (world) => plan(world, name, keys.clicker, action, parameters),
  });
  const key = keys.approver;
  return [
    { name: "nothing", send: (world) => world.pause(100) },
    get("/health", {}),
    get("/metrics", {}),
    get("/openapi.json", {}),
    get("/tools/openapi.json", {}),
    get("/capabilities", { key }),
    get("/tasks", { key }),
    get("/tasks?limit=200", { key }),
    get("/tasks?status=awaiting_confirmation&limit=200", { key }),
    get("/audit?limit=1000", { key }),
    get("/audit?text=nowhere&limit=1000", { key }),
    get("/audit/verification", { key }),
    get("/statistics?days=90", { key }),
    get("/console", { headers }),
    get("/desktops/embedded/picture", { headers }),
    get("/policy", { headers }),
    get("/docs", {}),
    {
      name: "events from the first",
      send: async (world) => {
        const signal = AbortSignal.timeout(1000);
        await world.ask("events", "GET", "/events?since=0", { key, signal });
      },
    },
    {
      name: "policy dry-run",
      send: async (world) => {
        const policy = await world.ask("policy", "GET", "/policy", { headers });
        const body = { policy: policy?.json().policy };
        await world.ask("dry-run", "POST", "/policy/dry-run", {
          headers,
          body,
          expects: ["200", "400"],
        });
      },
    },
    {
      name: "a wrong password",
      send: (world) => {
        const body = { id: "soak", password: "a wrong password of somebody" };
        const expects = ["401"];
        return world.ask("password", "POST", "/session/password", { headers, body, expects });
      },
    },
    tool("fs_read", { path: "/tmp/small.txt" }),
    tool("fs_read", { path: "/tmp/large.txt" }),
    tool("fs_list", { path: "/tmp" }),
    tool("screen_capture", {}),
    planned("a click", "mouse.click", { coordinates: { x: 300, y: 300 } }),
    planned("a drag of 200 points", "mouse.drag", {
      path: Array.from({ length: 200 }, (_, n) => ({ x: n * 5, y: n * 4 })),
    }),
    planned("64 KB to paste", "keyboard.paste", { text: "words ".repeat(10_900) }),
    planned("a small write", "fs.write", { path: "/tmp/new.txt", content: "hello" }),
    planned("a write of 9 MB in long lines", "fs.write", {
      path: "/tmp/new.txt",
      content: `${"x".repeat(1000)}\n`.repeat(9000),
    }),
    planned("a write over a file of 6 MB", "fs.write", {
      path: "/tmp/large.txt",
      content: "another line of text\n".repeat(300_000),
      mode: "overwrite",
    }),
    planned("an edit of a file of 6 MB", "fs.edit", {
      path: "/tmp/large.txt",
      old_text: "no such text there",
      new_text: "a",
    }),
    ...[...WRONG_REQUESTS, ...HEAVY_REQUESTS].map(
      (wrong): Request => ({
        name: `wrong: ${wrong.name}`,
        send: (world) => {
          const { method, target, ...ask } = wrong.make(keys);
          return world.ask(wrong.name, method, target, ask);
        },
      }),
    ),
  ];
}
