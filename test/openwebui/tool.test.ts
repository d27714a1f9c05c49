import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TaskList } from "../../src/contract/requests.ts";
import { call } from "../support/call.ts";
import { approve, reject, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { callTool, python, type ToolCall } from "./tool-driver.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

let count = 0;
/** A file of its own for each test. */
function freshWrite(more: Partial<ToolCall> = {}): ToolCall & { path: string } {
  count += 1;
  const path = `/tmp/note-${count}.txt`;
  return { method: "write_file", args: { path, content: "buy milk\n" }, path, ...more };
}

describe.runIf(python)("who may say yes", () => {
  test("True, and only then it runs, on behalf of the user", async () => {
    const write = freshWrite({ answers: [true] });
    await using tool = callTool(gateway, write);
    const answer = await tool.answer();
    expect(answer).toMatchObject({ status: "completed", result: { path: write.path, size: 9 } });
    expect(readFileSync(gateway.file(write.path), "utf8")).toBe("buy milk\n");
    const { approvals } = await task(gateway, answer.task_id);
    expect(approvals).toMatchObject([{ key_id: "approver", on_behalf_of: "ada@example.com" }]);
  });

  const NO: [string, unknown, string][] = [
    ["False", false, "rejected"],
    ["no browser session", null, "cancelled"],
    ["a string that was left over", "approve", "cancelled"],
    ["an empty string", "", "cancelled"],
    ["an error, which is true to Python", { error: "Event call timed out" }, "cancelled"],
    ["an empty answer", {}, "cancelled"],
    ["the number one", 1, "cancelled"],
    ["a list", [true], "cancelled"],
    ["a failing socket", { do: "raise" }, "cancelled"],
    ["a person who never answers", { do: "hang" }, "cancelled"],
    ["a dialog that cannot be ended", { do: "deaf" }, "cancelled"],
  ];
  test.each(NO)("%s is no yes, and nothing runs", async (_, answer, status) => {
    const write = freshWrite({ answers: [answer] });
    await using tool = callTool(gateway, write, { decision_timeout_seconds: 0.5 });
    const answered = await tool.answer();
    expect(answered.status).toBe(status === "rejected" ? "rejected" : "denied");
    expect(answered.message).toContain("othing has run");
    expect(await task(gateway, answered.task_id)).toMatchObject({ status, approvals: [] });
    expect(existsSync(gateway.file(write.path))).toBe(false);
    expect(tool.dialogs()).toHaveLength(1);
  });

  test("a no is recorded as the user's", async () => {
    await using tool = callTool(gateway, freshWrite({ answers: [false] }));
    const { rejection } = await task(gateway, (await tool.answer()).task_id);
    expect(rejection).toMatchObject({ key_id: "approver", on_behalf_of: "ada@example.com" });
  });

  test("without a caller nobody is asked, and nothing runs", async () => {
    const write = freshWrite({ no_browser: true });
    await using tool = callTool(gateway, write);
    const answer = await tool.answer();
    expect(answer).toMatchObject({ status: "denied" });
    expect(answer.message).toContain("no browser session");
    expect(await task(gateway, answer.task_id)).toMatchObject({ status: "cancelled" });
  });

  test("a yes that comes at once is asked for again, which a held Enter does not answer", async () => {
    const slow = { ask_again_below_seconds: 3600 };
    await using twice = callTool(gateway, freshWrite({ answers: [true, false] }), slow);
    expect(await twice.answer()).toMatchObject({ status: "rejected" });
    expect(twice.dialogs()).toHaveLength(2);
    // Enter submits the empty field of a dialog that asks for a word, again and again.
    for (const held of [true, ""]) {
      const write = freshWrite({ answers: [true, held, held, held] });
      await using tool = callTool(gateway, write, slow);
      expect(await tool.answer()).toMatchObject({ status: "denied" });
      expect(existsSync(gateway.file(write.path))).toBe(false);
      expect(tool.dialogs()[1]?.event.type).toBe("input");
    }
    await using sure = callTool(gateway, freshWrite({ answers: [true, "approve"] }), slow);
    expect(await sure.answer()).toMatchObject({ status: "completed" });
  });

  test("a page is not passed over by a held Enter either", async () => {
    const content = "a line of the file\n".repeat(60);
    const args = { path: "/tmp/held.txt", content };
    const slow = { ask_again_below_seconds: 3600 };
    const run = (answers: readonly unknown[]) =>
      callTool(gateway, { method: "write_file", args, answers }, slow);
    await using held = run([true, "", "", ""]);
    expect(await held.answer()).toMatchObject({ status: "denied" });
    expect(held.dialogs()).toHaveLength(2);
    await using sure = run([true, "next", false]);
    expect(await sure.answer()).toMatchObject({ status: "rejected" });
    expect(sure.dialogs()[2]?.event.data.title).toContain("page 2");
  });

  test("what Open WebUI says instead of an answer is passed on", async () => {
    const error = "Event call timed out after 300s\u202e";
    await using tool = callTool(gateway, freshWrite({ answers: [{ error }] }));
    const { status, message } = await tool.answer();
    expect(status).toBe("denied");
    expect(message).toContain("Event call timed out after 300s⟦U+202E⟧");
    await using failing = callTool(gateway, freshWrite({ answers: [{ do: "raise" }] }));
    expect((await failing.answer()).message).toContain("RuntimeError");
  });

  test("a word that is typed wrongly is called that", async () => {
    const word = { type_word_from: "low" };
    for (const typed of ["aprove", ""]) {
      await using tool = callTool(gateway, freshWrite({ answers: [typed] }), word);
      const { status, message } = await tool.answer();
      expect(status).toBe("denied");
      expect(message).toContain("something else than the word");
    }
  });

  test("only those whom the admin lists", async () => {
    const listed = { approving_users: "eve@example.com, role:admin" };
    const short = { ...listed, decision_timeout_seconds: 0.2 };
    await using other = callTool(gateway, freshWrite({ answers: [true] }), short);
    expect(await other.answer()).toMatchObject({ status: "awaiting_confirmation" });
    expect(other.dialogs()).toEqual([]);
    const named = { id: "u2", name: "role:admin", email: "mallory@example.com", role: "user" };
    await using forged = callTool(gateway, freshWrite({ answers: [true], user: named }), short);
    expect(await forged.answer()).toMatchObject({ status: "awaiting_confirmation" });
    const admin = { id: "u3", email: "root@example.com", role: "admin" };
    await using allowed = callTool(gateway, freshWrite({ answers: [true], user: admin }), listed);
    expect(await allowed.answer()).toMatchObject({ status: "completed" });
  });
});

describe.runIf(python)("what needs no person", () => {
  test("runs without a dialog", async () => {
    writeFileSync(gateway.file("/tmp/read.txt"), "contents");
    await using tool = callTool(gateway, {
      method: "read_file",
      args: { path: "/tmp/read.txt" },
      no_browser: true,
    });
    expect(await tool.answer()).toMatchObject({
      status: "completed",
      result: { content: "contents" },
    });
  });

  test("tells its progress, and that it is done at the end", async () => {
    await using tool = callTool(gateway, { method: "wait", args: { seconds: 0.01 } });
    await tool.answer();
    const statuses = tool.statuses();
    expect(statuses.at(-1)).toMatchObject({ done: true });
    expect(statuses.slice(0, -1).every(({ done }) => !done)).toBe(true);
  });
});

describe.runIf(python)("a decision elsewhere", () => {
  test("an approval at another device closes the wait", async () => {
    const write = freshWrite({ answers: [{ do: "hang" }] });
    await using tool = callTool(gateway, write);
    await tool.dialog();
    await approve(gateway, await newest());
    expect(await tool.answer()).toMatchObject({ status: "completed" });
  });

  test("a rejection too", async () => {
    await using tool = callTool(gateway, freshWrite({ answers: [{ do: "deaf" }] }));
    await tool.dialog();
    await reject(gateway, await newest());
    expect(await tool.answer()).toMatchObject({ status: "rejected", code: "task_rejected" });
  });

  test("a proposal reaches the model, in the form that run_plan takes", async () => {
    await using tool = callTool(gateway, freshWrite({ answers: [{ do: "deaf" }] }));
    await tool.dialog();
    const { task_id, plan_digest } = await newest();
    const step = { action: "fs.write", parameters: { path: "/tmp/else.txt", content: "x" } };
    const decision = { decision: "reject", reason: "not there", proposal: step };
    const body = { task_id, plan_digest, ...decision };
    expect((await call(gateway, "POST", "/confirm", body, gateway.keys.approver)).status).toBe(200);
    const answer = await tool.answer();
    expect(answer).toMatchObject({ status: "rejected", reason: "not there" });
    expect(answer.proposal).toEqual({ steps: [step] });
    expect(answer.message).toContain("run_plan");
  });

  test("without an approver's key it says where, and waits", async () => {
    const write = freshWrite();
    await using tool = callTool(gateway, write, { approver_secret: "" });
    await tool.until(
      ({ kind, event }) =>
        kind === "event" && (event.data.description ?? "").includes("/approvals/task_"),
    );
    await approve(gateway, await newest());
    expect(await tool.answer()).toMatchObject({ status: "completed" });
    expect(tool.dialogs()).toEqual([]);
  });

  test("where nobody decides, the plan stays and task_status goes on", async () => {
    const write = freshWrite();
    const valves = { approver_secret: "", decision_timeout_seconds: 0.2 };
    await using tool = callTool(gateway, write, valves);
    const { status, task_id, message, confirmation_url } = await tool.answer();
    expect(status).toBe("awaiting_confirmation");
    expect(confirmation_url).toMatch(new RegExp(`^http://.*/approvals/${task_id}$`));
    expect(message).toContain(`the link ${confirmation_url}`);
    await using looked = callTool(gateway, { method: "task_status", args: { task_id } });
    expect(await looked.answer()).toMatchObject({
      confirmation_url,
      message: expect.stringContaining(`the link ${confirmation_url}`),
    });
    await using asked = callTool(gateway, {
      method: "task_status",
      args: { task_id, wait_seconds: 60 },
    });
    await asked.until(({ kind }) => kind === "event");
    await approve(gateway, await task(gateway, task_id));
    expect(await asked.answer()).toMatchObject({ status: "completed", result: { size: 9 } });
  });

  async function newest() {
    const { body } = await call<TaskList>(gateway, "GET", "/tasks?limit=1");
    const [found] = body.tasks;
    if (found === undefined) throw new Error("there is no task");
    return found;
  }
});

describe.runIf(python)("a stopped chat", () => {
  test("while the person is asked ends the task", async () => {
    const write = freshWrite({ answers: [{ do: "stop" }] });
    await using tool = callTool(gateway, write);
    expect(await tool.until(({ kind }) => kind === "stopped")).toMatchObject({ cancelled: true });
    const { body } = await call<TaskList>(gateway, "GET", "/tasks?limit=1");
    expect(body.tasks).toMatchObject([{ status: "cancelled", parameters: { path: write.path } }]);
    expect(tool.statuses().at(-1)).toMatchObject({ done: true });
  });

  test("while it runs ends it as well", async () => {
    await using tool = callTool(gateway, {
      method: "wait",
      args: { seconds: 60 },
      stop_at: { type: "status", text: "Running" },
    });
    expect(await tool.until(({ kind }) => kind === "stopped")).toMatchObject({ cancelled: true });
    const { body } = await call<TaskList>(gateway, "GET", "/tasks?limit=1");
    expect(body.tasks).toMatchObject([{ status: "cancelled", action: "wait" }]);
  });
});

describe.runIf(python)("two sessions at once", () => {
  test("each has its own dialog, decision and result", async () => {
    const [one, two] = [freshWrite({ answers: [true] }), freshWrite({ answers: [false] })];
    await using tool = callTool(gateway, [one, two]);
    expect((await tool.answer(0)).status).toBe("completed");
    expect((await tool.answer(1)).status).toBe("rejected");
    expect(tool.shown(0)).toContain(one.path);
    expect(tool.shown(0)).not.toContain(two.path);
    expect(tool.shown(1)).toContain(two.path);
    expect(existsSync(gateway.file(two.path))).toBe(false);
  });

  test("in one tab the second dialog waits for the first", async () => {
    const metadata = { session_id: "one tab" };
    const calls = [1, 2].map(() => freshWrite({ answers: [{ do: "ask" }], metadata }));
    await using tool = callTool(gateway, calls);
    const first = await tool.until(({ kind }) => kind === "dialog");
    for (const index of [0, 1]) {
      await tool.until(
        (line) =>
          line.kind === "event" &&
          line.call === index &&
          (line.event.data.description ?? "").startsWith("Waiting for your decision"),
      );
    }
    expect(tool.lines.filter(({ kind }) => kind === "dialog")).toEqual([first]);
    tool.say(false);
    await tool.answer(first.call);
    await tool.dialog(0, 1 - first.call);
    tool.say(true);
    expect((await tool.answer(1 - first.call)).status).toBe("completed");
  });
});
