import type { Actor } from "../actor.ts";
import { type Person, signIn } from "../person.ts";
import { isOneIn, random, type World } from "../world.ts";
import { follow } from "./watchers.ts";

/** People at the console: one looks through all of it, one keeps the inbox open and decides. */
export function consoleActors(person: Person): readonly Actor[] {
  return [
    { name: "operator", count: 1, thinkMs: 2000, act: (world) => lookAround(world, person) },
    {
      name: "approver at the console",
      count: 1,
      thinkMs: 1500,
      act: (world) => work(world, person),
    },
    { name: "live picture", count: 2, thinkMs: 500, act: (world) => watch(world, person) },
    { name: "takeover", count: 1, thinkMs: 30_000, act: (world) => takeOver(world, person) },
    { name: "sign-in", count: 1, thinkMs: 20_000, act: (world) => comeAndGo(world, person) },
  ];
}

const LISTS = [
  "/session",
  "/tasks",
  "/tasks?status=completed",
  "/desktops",
  "/grants",
  "/policy",
  "/keys",
  "/people",
  "/webhooks",
  "/statistics?days=14",
  "/audit?order=newest&limit=100",
  "/audit?text=clicker&limit=50",
  "/audit/verification",
  "/ready",
  "/capabilities",
];

/** The page with its files, then every list; one of them at a time, as one clicks. */
async function lookAround(world: World, { headers }: Person): Promise<void> {
  const page = await world.ask("console page", "GET", "/console", { headers });
  for (const [, file] of `${page?.body}`.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)) {
    await world.ask("console page", "GET", file ?? "", { headers });
  }
  for (const list of LISTS) {
    const kind = `console ${list.split("?")[0]}`;
    await world.ask(kind, "GET", list, { headers, expects: ["200", "503"] });
    await world.pause(random(20, 100));
    if (world.signal.aborted) return;
  }
  const explained = { action: "fs.write", parameters: { path: "/tmp/a.txt", content: "a" } };
  await world.ask("explain", "POST", "/policy/explain", { headers, body: explained });
}

/** The inbox follows its stream for a while, reads what waits and decides on some. */
async function work(world: World, { headers }: Person): Promise<void> {
  const stream = follow(world, "/events", { headers });
  try {
    for (let turn = 0; turn < 10 && !world.signal.aborted; turn += 1) {
      const target = "/tasks?status=awaiting_confirmation";
      const list = await world.ask("console inbox", "GET", target, { headers });
      const [task] = list?.status === 200 ? list.json().tasks : [];
      if (task !== undefined) {
        await world.ask("console task", "GET", `/tasks/${task.task_id}`, { headers });
        const { task_id, plan_digest } = task;
        const body = { task_id, plan_digest, decision: "approve" };
        const expects = ["200", "409", "410"];
        await world.ask("console confirm", "POST", "/confirm", { headers, body, expects });
      }
      await world.pause(random(200, 600));
    }
  } finally {
    stream.destroy();
  }
}

async function watch(world: World, { headers }: Person): Promise<void> {
  const target = "/desktops/embedded/picture";
  await world.ask("live picture", "GET", target, {
    headers,
    expects: ["200", "409 state_changed"],
  });
}

/** Takes the desktop for a moment, moves and types, and gives it back. */
async function takeOver(world: World, { headers }: Person): Promise<void> {
  const target = "/desktops/embedded/takeover";
  const body = { minutes: 1 };
  const expects = ["200", "409 state_changed"];
  const attempt = () => world.ask("take over", "POST", target, { headers, body, expects });
  let taken = await attempt();
  // While a task acts on it, nobody gets it.
  while (taken?.status === 409 && !world.signal.aborted) {
    await world.pause(100);
    taken = await attempt();
  }
  if (taken?.status !== 200) return;
  const act = (action: string, parameters: unknown) =>
    world.ask("input of a person", "POST", "/desktops/embedded/input", {
      headers,
      body: { action, parameters },
      // A stop ends what a person has taken over.
      expects,
    });
  for (let turn = 0; turn < 5; turn += 1) {
    await act("mouse.move", { coordinates: { x: Math.floor(random(0, 1200)), y: 400 } });
  }
  await act("keyboard.type", { text: "by a person" });
  await world.ask("give back", "DELETE", target, { headers });
}

async function comeAndGo(world: World, { id }: Person): Promise<void> {
  const { headers } = await signIn(world, id);
  await world.ask("console /session", "GET", "/session", { headers });
  if (!isOneIn(4)) await world.ask("sign out", "DELETE", "/session", { headers });
}
