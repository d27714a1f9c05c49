import { io } from "socket.io-client";
import { expect, test } from "vitest";
import { type Agent, startAgent } from "./agent.ts";
import type { AgentStep, AgentTask } from "./agent-types.ts";
import { startDaemon } from "./daemon.ts";
import type { Fields } from "./request-body.ts";
import { send } from "./test-calls.ts";
import { Watch } from "./watch.ts";

const model = { provider: "anthropic", name: "m", title: "M" };
/** No action in it needs a desktop. */
const nowhere = { desktopBaseUrl: "http://127.0.0.1:9" };
const never = new Promise(() => undefined);

const call = (agent: Agent, method: string, path: string, body?: unknown) =>
  send(method, agent.url + path, body);

async function create(agent: Agent, fields: Fields = {}): Promise<AgentTask> {
  const answer = await call(agent, "POST", "/tasks", { description: "do it", model, ...fields });
  expect(answer.status).toBe(201);
  const task = agent.tasks.find(({ id }) => id === answer.json.id);
  if (task === undefined) throw new Error("no such task");
  return task;
}

test("a task is created, runs its script and is completed", async () => {
  await using daemon = await startDaemon();
  const script: AgentStep[] = [
    { say: "I click.", act: { action: "click_mouse", button: "left", clickCount: 1 } },
    { act: { action: "screenshot" } },
    { complete: "Clicked." },
  ];
  await using agent = await startAgent({ desktopBaseUrl: daemon.url, script });
  const task = await create(agent, { priority: "HIGH" });
  expect(task).toMatchObject({ description: "do it", priority: "HIGH", control: "ASSISTANT" });
  await agent.waitFor(() => task.status === "COMPLETED");

  const { json } = await call(agent, "GET", `/tasks/${task.id}`);
  expect(json).toMatchObject({ id: task.id, status: "COMPLETED", files: [], model });
  const answer = await call(agent, "GET", `/tasks/${task.id}/messages`);
  const image = { type: "image", source: { type: "base64", media_type: "image/png" } };
  expect(JSON.parse(answer.text)).toMatchObject([
    { role: "USER", content: [{ type: "text", text: "do it " }] },
    {
      role: "ASSISTANT",
      content: [
        { type: "text", text: "I click." },
        { type: "tool_use", name: "computer_click_mouse", input: { button: "left" } },
      ],
    },
    {
      role: "USER",
      content: [{ type: "tool_result", content: [{ text: "Tool executed successfully" }, image] }],
    },
    { content: [{ name: "computer_screenshot" }] },
    { content: [{ type: "tool_result", content: [image] }] },
    { content: [{ name: "set_task_status", input: { status: "completed" } }] },
    { content: [{ type: "tool_result" }] },
  ]);
  expect(daemon.requests.map(({ action }) => action)).toEqual([
    "click_mouse",
    "screenshot",
    "screenshot",
  ]);
});

test.each([{ model }, { description: "x" }, { description: "x", model, priority: "SOON" }])(
  "nothing is validated: a bare 500 for %o",
  async (body) => {
    await using agent = await startAgent(nowhere);
    const { status, json } = await call(agent, "POST", "/tasks", body);
    expect([status, json]).toEqual([500, { statusCode: 500, message: "Internal server error" }]);
  },
);

test("tasks are listed by page and status; bad numbers and statuses are a 500", async () => {
  await using agent = await startAgent({ ...nowhere, script: [{ await: never }] });
  const first = await create(agent);
  for (let count = 0; count < 2; count += 1) await create(agent);
  await agent.waitFor(() => first.status === "RUNNING");
  const list = (query: string) => call(agent, "GET", `/tasks?${query}`);
  expect((await list("page=2&limit=2")).json).toMatchObject({
    tasks: [{ id: first.id }],
    total: 3,
    totalPages: 2,
  });
  expect((await list("statuses=RUNNING,FAILED")).json).toMatchObject({ total: 1 });
  for (const bad of ["page=x", "limit=-1", "statuses=DONE"])
    expect((await list(bad)).status).toBe(500);
  expect(JSON.parse((await call(agent, "GET", "/tasks/models")).text)[0]).toMatchObject({
    provider: "anthropic",
  });
});

test("unknown tasks are 404, but deleting one is 500", async () => {
  await using agent = await startAgent(nowhere);
  for (const path of ["", "/messages"])
    expect((await call(agent, "GET", `/tasks/x${path}`)).status).toBe(404);
  for (const path of ["cancel", "takeover", "resume", "messages"])
    expect((await call(agent, "POST", `/tasks/x/${path}`, {})).status).toBe(404);
  expect((await call(agent, "DELETE", "/tasks/x")).status).toBe(500);
  const task = await create(agent);
  expect((await call(agent, "DELETE", `/tasks/${task.id}`)).status).toBe(204);
  expect(agent.tasks).toEqual([]);
});

test("one task runs at a time, the most urgent first", async () => {
  await using agent = await startAgent({ ...nowhere, script: [{ await: never }], cronMs: 50 });
  const [low, urgent] = [
    await create(agent, { priority: "LOW" }),
    await create(agent, { priority: "URGENT" }),
  ];
  await agent.waitFor(() => urgent.status === "RUNNING");
  expect(low.status).toBe("PENDING");
});

test("cancelling any task interrupts the running one, which is started again", async () => {
  let runs = 0;
  const run = new Watch();
  const waiting: AgentStep = {
    get await() {
      runs += 1;
      run.changed();
      return never;
    },
  };
  await using agent = await startAgent({ ...nowhere, script: () => [waiting] });
  const running = await create(agent);
  const other = await create(agent);
  await run.waitFor(() => runs === 1);
  const { status, json } = await call(agent, "POST", `/tasks/${other.id}/cancel`);
  expect([status, json.status]).toEqual([200, "CANCELLED"]);
  await run.waitFor(() => runs === 2);
  expect(running.status).toBe("RUNNING");
  expect((await call(agent, "POST", `/tasks/${other.id}/cancel`)).status).toBe(400);
});

test("a task that asks for help takes itself over; an answer changes nothing before it is resumed", async () => {
  const script = [{ needsHelp: "Which one?" }, { complete: "Done." }];
  await using agent = await startAgent({ ...nowhere, script });
  const task = await create(agent);
  const post = (path: string, body = {}) =>
    call(agent, "POST", `/tasks/${task.id}/${path}`, body).then(({ status }) => status);
  await agent.waitFor(({ isProcessing }) => task.status === "NEEDS_HELP" && !isProcessing);
  expect(await post("takeover")).toBe(400);
  expect([await post("messages", { message: "This." }), task.status]).toEqual([201, "NEEDS_HELP"]);
  expect(await post("resume")).toBe(200);
  await agent.waitFor(() => task.status === "COMPLETED");
});

test("a finished task that is taken over and resumed runs again", async () => {
  await using agent = await startAgent({ ...nowhere, script: [{ complete: "Done." }] });
  const task = await create(agent);
  await agent.waitFor(() => task.status === "COMPLETED");
  await call(agent, "POST", `/tasks/${task.id}/takeover`);
  const { json } = await call(agent, "POST", `/tasks/${task.id}/resume`);
  expect(json.status).toBe("RUNNING");
});

test("a takeover while a tool runs stops nothing, and resume starts a second loop", async () => {
  await using daemon = await startDaemon();
  const type = (text: string) => ({ act: { action: "type_text", text } });
  const second = Promise.withResolvers<void>();
  const script = [type("1"), { await: second.promise, ...type("2") }, { complete: "Done." }];
  await using agent = await startAgent({ desktopBaseUrl: daemon.url, script });
  const fault = daemon.fail({ action: "type_text", with: "hang_after_effect" });
  const task = await create(agent);
  await fault.hit;
  for (const path of ["takeover", "resume"])
    expect((await call(agent, "POST", `/tasks/${task.id}/${path}`)).status).toBe(200);
  fault.release();
  await agent.waitFor(() => agent.messagesOf(task.id).length === 3);
  second.resolve();
  await agent.waitFor(() => task.status === "COMPLETED");
  await daemon.waitFor(({ typed }) => typed === "122");
});

test("files are told of in the first message, and written each time the task starts", async () => {
  await using daemon = await startDaemon();
  const script = [{ needsHelp: "?" }, { complete: "Done." }];
  await using agent = await startAgent({ desktopBaseUrl: daemon.url, script });
  const files = ["a.txt", "b.txt"].map((name) => ({ name, base64: "eA==", size: 1 }));
  const task = await create(agent, { files });
  expect(agent.messagesOf(task.id)[0]?.content).toEqual([
    {
      type: "text",
      text: "do it \n\nFile a.txt written to desktop.\nFile b.txt written to desktop.",
    },
  ]);
  await agent.waitFor(({ isProcessing }) => task.status === "NEEDS_HELP" && !isProcessing);
  expect(daemon.requestsFor("write_file")).toHaveLength(2);
  await call(agent, "POST", `/tasks/${task.id}/resume`);
  await agent.waitFor(() => task.status === "COMPLETED");
  expect(daemon.requestsFor("write_file")).toHaveLength(4);
});

test("a taken-over task does nothing and no other starts, until it is resumed", async () => {
  await using agent = await startAgent(nowhere);
  const task = await create(agent);
  const other = await create(agent);
  await agent.waitFor(() => task.status === "RUNNING");
  await call(agent, "POST", `/tasks/${task.id}/takeover`);
  agent.tell(task.id, { say: "Going on." });
  const transcript = await call(agent, "GET", `/tasks/${task.id}/messages`);
  expect(JSON.parse(transcript.text)).toHaveLength(1);
  await call(agent, "POST", `/tasks/${task.id}/resume`);
  await agent.waitFor(() => agent.messagesOf(task.id).length === 2);
  expect(other.status).toBe("PENDING");
});

test("it ignores the status of most actions; only a broken connection is an error", async () => {
  await using daemon = await startDaemon();
  const act = { action: "type_text", text: "x" };
  const script = [{ act }, { act }, { act: { action: "screenshot" } }, { complete: "." }];
  await using agent = await startAgent({ desktopBaseUrl: daemon.url, script });
  daemon.fail({ action: "type_text", with: "status 403" });
  daemon.fail({ action: "type_text", with: "reset" });
  const task = await create(agent);
  await agent.waitFor(() => task.status === "COMPLETED");
  const results = agent
    .messagesOf(task.id)
    .flatMap(({ content }) => content)
    .filter((block) => block.type === "tool_result");
  expect(results.map((result) => result.is_error ?? false)).toEqual([false, true, false, false]);
  expect(daemon.typed).toBe("");
});

test("file names reach write_file as they are", async () => {
  await using daemon = await startDaemon();
  await using agent = await startAgent({ desktopBaseUrl: daemon.url });
  const files = [{ name: "../$(id).txt", base64: "eA==", type: "text/plain", size: 1 }];
  const task = await create(agent, { files });
  await daemon.waitFor(() => daemon.files.injected.length > 0);
  expect(daemon.requests[0]?.body.path).toBe("/home/user/Desktop/../$(id).txt");
  expect((await call(agent, "GET", `/tasks/${task.id}`)).json.files).toMatchObject([
    { name: "../$(id).txt", size: 1 },
  ]);
});

test("the socket tells a room of its task, and everyone of new and deleted ones", async () => {
  await using agent = await startAgent(nowhere);
  const socket = io(agent.url, { transports: ["websocket"], reconnection: false });
  const heard: [string, Fields | string][] = [];
  socket.onAny((event, content) => heard.push([event, content]));
  const next = (event: string) => new Promise((resolve) => socket.once(event, resolve));
  try {
    await next("connect");
    const created = next("task_created");
    const task = await create(agent);
    await created;
    await agent.waitFor(() => task.status === "RUNNING");
    socket.emit("join_task", task.id);
    await agent.waitFor(() => agent.listeners(task.id) === 1);
    const [said, ended] = [next("new_message"), next("task_updated")];
    agent.tell(task.id, { say: "Hello." }, { complete: "Done." });
    expect(await said).toMatchObject({ taskId: task.id, content: [{ text: "Hello." }] });
    expect(await ended).toMatchObject({ id: task.id, status: "COMPLETED" });
    const deleted = next("task_deleted");
    await call(agent, "DELETE", `/tasks/${task.id}`);
    expect(await deleted).toBe(task.id);
    expect(heard[0]).toEqual(["task_created", expect.objectContaining({ id: task.id })]);
  } finally {
    socket.disconnect();
  }
});

test("REST fails alone: the socket goes on, and the other way round", async () => {
  await using agent = await startAgent(nowhere);
  const connect = async () => {
    const socket = io(agent.url, { transports: ["websocket"], reconnection: false });
    try {
      return await new Promise((resolve) => {
        socket.once("connect", () => resolve("connected"));
        socket.once("connect_error", () => resolve("refused"));
      });
    } finally {
      socket.disconnect();
    }
  };
  agent.fail({ with: "reset", times: Number.POSITIVE_INFINITY });
  await expect(call(agent, "GET", "/tasks")).rejects.toThrow("fetch failed");
  expect(await connect()).toBe("connected");
  agent.clearFaults();
  agent.stopSockets();
  expect(await connect()).toBe("refused");
  expect((await call(agent, "GET", "/tasks")).status).toBe(200);
  agent.startSockets();
  expect(await connect()).toBe("connected");
});

test.each([
  ["reset", 0],
  ["reset_after_effect", 1],
] as const)("POST /tasks with %s leaves %i tasks", async (kind, tasks) => {
  await using agent = await startAgent(nowhere);
  agent.fail({ action: "POST /tasks", with: kind });
  const body = { description: "x", model };
  await expect(call(agent, "POST", "/tasks", body)).rejects.toThrow("fetch failed");
  expect(agent.tasks).toHaveLength(tasks);
});
