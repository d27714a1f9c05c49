import type { Actor } from "../actor.ts";
import type { Key } from "../keys.ts";
import { isOneIn, oneOf, random, type World } from "../world.ts";

/** Programs that plan and execute, and those who decide at a command line. */
export const TASK_ACTORS: readonly Actor[] = [
  { name: "reader", count: 4, thinkMs: 200, act: readFile },
  { name: "writer", count: 2, thinkMs: 500, act: writeFile },
  { name: "large reader", count: 1, thinkMs: 2000, act: readLargeFile },
  { name: "canceller", count: 1, thinkMs: 1000, act: cancelSomething },
  { name: "lister", count: 1, thinkMs: 500, act: listTasks },
  { name: "approver", count: 2, thinkMs: 200, act: decide },
  { name: "stopper", count: 1, thinkMs: 45_000, act: stopAndResume },
];

let made = 0;

/** Plans one action; its task's id, or undefined where it was refused. */
export async function plan(
  world: World,
  kind: string,
  key: Key,
  action: string,
  parameters: unknown,
  expects?: readonly string[],
): Promise<string | undefined> {
  made += 1;
  const body = { title: `soak ${made}`, action, parameters };
  const answer = await world.ask(kind, "POST", "/plan", { key, body, ...(expects && { expects }) });
  return answer?.status === 200 ? answer.json().task_id : undefined;
}

const ENDED = ["200", "202", "409 task_cancelled", "409 task_rejected", "410 plan_expired"];

export function execute(world: World, kind: string, key: Key, task_id: string, wait: number) {
  const body = { task_id };
  return world.ask(kind, "POST", `/execute?wait=${wait}`, { key, body, expects: ENDED });
}

async function readFile(world: World, index: number): Promise<void> {
  const key = index % 2 === 0 ? world.keys.default : world.keys.api;
  const task = await plan(world, "plan a read", key, "fs.read", { path: "/tmp/small.txt" });
  if (task === undefined) return;
  const answer = await execute(world, "execute a read", key, task, 20);
  const outcome = answer?.status === 200 ? answer.json() : undefined;
  if (outcome?.status === "completed" && outcome.result.content !== "hello\n") {
    throw new Error(`read ${JSON.stringify(outcome.result)}`);
  }
  if (isOneIn(3)) await execute(world, "execute again", key, task, 20);
  await world.ask("read a task", "GET", `/tasks/${task}`, { key });
}

async function writeFile(world: World): Promise<void> {
  const key = world.keys.writer;
  const parameters = {
    path: `/tmp/written-${Math.floor(random(0, 50))}.txt`,
    content: "a line of some length\n".repeat(Math.floor(random(1, 400))),
    mode: "overwrite",
  };
  const task = await plan(world, "plan a write", key, "fs.write", parameters);
  if (task === undefined) return;
  world.meter.waitsOnPurpose("execute a write");
  await execute(world, "execute a write", key, task, 10);
}

async function readLargeFile(world: World): Promise<void> {
  const key = world.keys.default;
  const task = await plan(world, "plan a read", key, "fs.read", { path: "/tmp/large.txt" });
  if (task === undefined) return;
  world.meter.waitsOnPurpose("execute a large read");
  const answer = await execute(world, "execute a large read", key, task, 20);
  const artifact = answer?.status === 200 ? answer.json().artifacts?.[0] : undefined;
  if (artifact === undefined) return;
  world.meter.waitsOnPurpose("read a large artifact");
  await world.ask("read a large artifact", "GET", `/artifacts/${artifact.id}`, { key });
}

async function cancelSomething(world: World): Promise<void> {
  const key = world.keys.default;
  const task = await plan(world, "plan a wait", key, "wait", { duration_ms: 20_000 });
  if (task === undefined) return;
  await execute(world, "execute at once", key, task, 0);
  await world.pause(random(0, 400));
  const cancel = `/tasks/${task}/cancel`;
  const [first] = await Promise.all([
    world.ask("cancel", "POST", cancel, { key }),
    ...(isOneIn(2) ? [world.ask("cancel", "POST", cancel, { key: world.keys.approver })] : []),
  ]);
  if (first?.status === 200 && !/^(?:cancelled|completed)$/.test(first.json().status)) {
    throw new Error(`a cancelled task is ${first.json().status}`);
  }
}

async function listTasks(world: World): Promise<void> {
  const { approver, api, writer } = world.keys;
  const key = oneOf([approver, api, writer]);
  const page = await world.ask("list tasks", "GET", "/tasks", { key });
  const cursor = page?.status === 200 ? page.json().next_cursor : undefined;
  if (cursor !== undefined) {
    await world.ask("list tasks", "GET", `/tasks?cursor=${cursor}`, { key });
  }
  await world.ask("capabilities", "GET", "/capabilities", { key });
}

/** Most are approved, some rejected, some decided on with a wrong digest first. */
async function decide(world: World): Promise<void> {
  const key = world.keys.approver;
  const target = "/tasks?status=awaiting_confirmation&limit=20";
  const list = await world.ask("list what waits", "GET", target, { key });
  if (list?.status !== 200) return;
  const waiting: { task_id: string }[] = list.json().tasks;
  const chosen = waiting[Math.floor(random(0, waiting.length))];
  if (chosen === undefined) return;
  const task = await world.ask("read a task", "GET", `/tasks/${chosen.task_id}`, { key });
  if (task?.status !== 200) return;
  const { task_id, plan_digest, steps } = task.json();
  for (const { preview } of steps) {
    if (preview?.kind === "screenshot") {
      await world.ask("read a picture", "GET", `/artifacts/${preview.artifact_id}`, { key });
    }
  }
  const send = (decision: string, digest: string, expects: string[]) => {
    const body = { task_id, plan_digest: digest, decision, reason: "soak" };
    return world.ask("confirm", "POST", "/confirm", { key, body, expects });
  };
  // Another approver, or the person at the console, may have been first.
  const late = ["409 already_decided", "409 task_cancelled", "409 task_rejected", "410"];
  if (isOneIn(20)) {
    await send("approve", `sha256:${"0".repeat(64)}`, ["409 digest_mismatch", ...late]);
  }
  await send(isOneIn(12) ? "reject" : "approve", plan_digest, ["200", ...late]);
}

async function stopAndResume(world: World): Promise<void> {
  const key = world.keys.approver;
  await world.pause(random(0, 10_000));
  await world.ask("stop", "POST", "/stop", { key, body: { reason: "soak" } });
  await world.pause(random(50, 500));
  // Whatever happens, nothing may stay stopped.
  await world.ask("resume", "POST", "/resume", { key });
}
