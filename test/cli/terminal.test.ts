import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../support/call.ts";
import { TerminalCli } from "../support/cli.ts";
import { plan, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

const POLICY = {
  capabilities: {
    "fs.read": { enabled: true, risk_level: "low", allowed_paths: ["/tmp"] },
    "fs.write": { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] },
    "fs.list": { enabled: true, risk_level: "high", allowed_paths: ["/tmp"] },
  },
};

/** util-linux's; busybox and macOS have another `script`, or none. */
const hasScript = spawnSync("script", ["--version"]).stdout?.includes("util-linux") === true;

/** The end of a question: from here on what is typed counts. */
const READY = "anything else to stop › ";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ policy: POLICY });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

function terminal(...words: string[]): TerminalCli {
  return new TerminalCli(gateway, words, approver());
}

const approver = () => ({ env: { APPROVER_SECRET: gateway.keys.approver.secret } });

describe.skipIf(!hasScript)("on a terminal (needs util-linux's script)", () => {
  test("approve shows the plan and approves exactly that", async () => {
    const planned = await plan(gateway, "fs.write", { path: "/tmp/a.txt", content: "a\u202Eb" });
    using screen = terminal("approve", planned.task_id);
    await screen.shows(READY);
    for (const part of [planned.plan_digest.slice(0, 60), "a⟦U+202E⟧b", "default", "+a⟦U+202E⟧b"]) {
      expect(screen.screen).toContain(part);
    }
    expect(screen.screen).not.toContain("\u202E");
    screen.type("yes\r");
    expect(await screen.exited).toBe(0);
    const approved = await task(gateway, planned.task_id);
    expect(approved.status).toBe("ready");
    expect(approved.approvals[0]?.plan_digest).toBe(planned.plan_digest);
  });

  test("I8 what was typed before the question does not count", async () => {
    const planned = await plan(gateway, "fs.write", { path: "/tmp/b.txt", content: "b" });
    using screen = terminal("approve", planned.task_id);
    // A whole line, and half a line that a later Enter would complete.
    screen.type("yes\nyes");
    await screen.shows(READY);
    screen.type("\r");
    expect(await screen.exited).toBe(5);
    expect((await task(gateway, planned.task_id)).approvals).toEqual([]);
  });

  test.each(["", "y", "Yes", "yes ", "no", "yesyes"])("%j is no yes", async (answer) => {
    const planned = await plan(gateway, "fs.write", { path: "/tmp/c.txt", content: "c" });
    using screen = terminal("approve", planned.task_id);
    await screen.shows(READY);
    screen.type(`${answer}\r`);
    expect(await screen.exited).toBe(5);
    expect((await task(gateway, planned.task_id)).status).toBe("planned");
  });

  test.each(["\u0003", "\u0004"])("Ctrl-C and Ctrl-D decide nothing", async (key) => {
    const planned = await plan(gateway, "fs.write", { path: "/tmp/c.txt", content: "c" });
    using screen = terminal("approve", planned.task_id);
    await screen.shows(READY);
    screen.type(`yes${key}`);
    expect(await screen.exited).toBe(5);
    expect((await task(gateway, planned.task_id)).status).toBe("planned");
  });

  test("a high risk takes the action's name, not yes", async () => {
    const planned = await plan(gateway, "fs.list", { path: "/tmp" });
    using first = terminal("approve", planned.task_id);
    await first.shows(READY);
    expect(first.screen).toContain("Type fs.list");
    first.type("yes\r");
    expect(await first.exited).toBe(5);
    using second = terminal("approve", planned.task_id);
    await second.shows(READY);
    second.type("fs.lisx\u007ft\r");
    expect(await second.exited).toBe(0);
    expect((await task(gateway, planned.task_id)).status).toBe("ready");
  });

  test("I8 a plan longer than the screen is asked about only once all of it was shown", async () => {
    const content = Array.from({ length: 60 }, (_, index) => `line ${index}`).join("\n");
    const planned = await plan(gateway, "fs.write", { path: "/tmp/long.txt", content });
    const more = "q leaves  › ";
    const start = () =>
      new TerminalCli(gateway, ["approve", planned.task_id], { ...approver(), rows: 24 });
    using leaving = start();
    await leaving.shows(more);
    expect(leaving.screen).not.toContain("to go on");
    leaving.type("q");
    expect(await leaving.exited).toBe(5);

    using screen = start();
    for (let page = 1; !screen.screen.includes(" to go on, anything else"); page += 1) {
      await screen.shows(more, page);
      screen.type("\r");
      await screen.shows(" › ", page + 1);
    }
    for (let index = 0; index < 60; index += 1) {
      expect(screen.screen).toContain(`line ${index}`);
    }
    screen.type("yes\r");
    expect(await screen.exited).toBe(0);
  });

  test("run plans, approves, executes and shows the end", async () => {
    using screen = terminal("run", "fs.write", "path=/tmp/run.txt", "content=done");
    await screen.shows(READY);
    screen.type("yes\r");
    expect(await screen.exited).toBe(0);
    expect(screen.screen).toContain("✔ completed");
    const [newest] = await tasks();
    expect(newest?.approvals).toHaveLength(1);
  });

  test("run that is declined cancels its plan", async () => {
    using screen = terminal("run", "fs.read", "path=/tmp/run.txt");
    await screen.shows(READY);
    screen.type("no\r");
    expect(await screen.exited).toBe(5);
    const [newest] = await tasks();
    expect(newest?.status).toBe("cancelled");
  });

  test("I14 a result's control characters never reach the terminal", async () => {
    const content = "safe\u001b]0;title\u0007\u001b[2J";
    using writing = terminal("run", "fs.write", "path=/tmp/evil.txt", `content=${content}`);
    await writing.shows(READY);
    writing.type("yes\r");
    await writing.exited;
    using reading = terminal("run", "--yes", "fs.read", "path=/tmp/evil.txt");
    expect(await reading.exited).toBe(0);
    expect(reading.screen).toContain("safe⟦U+001B⟧]0;title⟦U+0007⟧⟦U+001B⟧[2J");
    for (const sequence of ["\u001b]", "\u0007", "\u001b[2J"]) {
      expect(reading.screen + writing.screen).not.toContain(sequence);
    }
  });
});

async function tasks() {
  const { body } = await call<{ tasks: Awaited<ReturnType<typeof task>>[] }>(
    gateway,
    "GET",
    "/tasks?limit=1",
  );
  return body.tasks;
}
