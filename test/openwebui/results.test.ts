import { existsSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TaskList } from "../../src/contract/requests.ts";
import { encodePng } from "../../src/lib/png.ts";
import { call } from "../support/call.ts";
import { approve } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { callTool, python } from "./tool-driver.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const READ = { method: "read_file", args: { path: "/tmp/a.txt" } };

describe.runIf(python)("results", () => {
  test("a long text is cut, saying so and where the rest is", async () => {
    writeFileSync(gateway.file("/tmp/long.txt"), "0123456789".repeat(20_000));
    await using tool = callTool(gateway, { method: "read_file", args: { path: "/tmp/long.txt" } });
    const { text } = await tool.until(({ kind }) => kind === "result");
    expect(text.length).toBeLessThan(12_500);
    expect(text).toMatch(/… \(\d+ more characters\. The whole is the artifact .*artifact_/);
    expect((await tool.answer()).result?.content).toMatch(/^0123456789/);
  });

  test("so is one that is no artifact, and one of many small parts", async () => {
    writeFileSync(gateway.file("/tmp/medium.txt"), '"'.repeat(30_000));
    for (let index = 0; index < 300; index += 1) {
      writeFileSync(gateway.file(`/tmp/many-files-with-long-names-${index}.txt`), "");
    }
    const calls = [
      { method: "read_file", args: { path: "/tmp/medium.txt" } },
      { method: "list_directory", args: { path: "/tmp" } },
    ];
    await using tool = callTool(gateway, calls, { max_result_chars: 5000 });
    for (const index of calls.keys()) {
      const line = await tool.until(({ kind, call }) => kind === "result" && call === index);
      expect(line.text.length).toBeLessThan(12_000);
      expect(line.text).toContain("more characters");
    }
  });

  test("a bearer token works as well", async () => {
    writeFileSync(gateway.file("/tmp/a.txt"), "a");
    const valves = { secret: "", token: gateway.keys.api.token };
    const args = { path: "/tmp/bearer.txt", content: "x" };
    const calls = [READ, { method: "write_file", args, answers: [true] }];
    await using tool = callTool(gateway, calls, valves);
    expect((await tool.answer(0)).result).toMatchObject({ content: "a" });
    expect((await tool.answer(1)).status).toBe("completed");
  });

  test("a picture is shown to the model whole, also when it asks again", async () => {
    const png = await encodePng({ width: 40, height: 20, rgb: new Uint8Array(2400).fill(200) });
    writeFileSync(gateway.file("/tmp/shot.png"), png);
    const args = { path: "/tmp/shot.png", encoding: "base64" };
    await using tool = callTool(gateway, { method: "read_file", args });
    const { texts, pictures } = await tool.given();
    const url = `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
    expect(pictures).toEqual([url]);
    expect(texts.join()).not.toContain("base64");
    const { body } = await call<TaskList>(gateway, "GET", "/tasks?limit=1");
    const task_id = body.tasks[0]?.task_id;
    await using asked = callTool(gateway, { method: "task_status", args: { task_id } });
    expect((await asked.given()).pictures).toEqual([url]);
  });

  test("a picture among several steps is the user's, and the model is told so", async () => {
    const png = await encodePng({ width: 40, height: 20, rgb: new Uint8Array(2400).fill(90) });
    writeFileSync(gateway.file("/tmp/step.png"), png);
    const read = (path: string, encoding: string) => ({
      action: "fs.read",
      parameters: { path, encoding },
    });
    writeFileSync(gateway.file("/tmp/step.txt"), "a word");
    const steps = [read("/tmp/step.txt", "utf8"), read("/tmp/step.png", "base64")];
    await using tool = callTool(gateway, { method: "run_plan", args: { steps } });
    const answer = await tool.answer();
    expect(answer.status).toBe("completed");
    expect(JSON.stringify(answer.result)).toContain("a word");
    expect(answer.pictures).toContain("you do not see them");
    expect(tool.events().filter(({ type }) => type === "files")).toHaveLength(1);
    expect((await tool.given()).pictures).toEqual([]);
  });

  test("several steps are one plan, approved once", async () => {
    const steps = [
      { action: "fs.write", parameters: { path: "/tmp/s1.txt", content: "1" } },
      { action: "fs.read", parameters: { path: "/tmp/s1.txt" } },
      { action: "fs.read", parameters: { path: "/tmp/absent.txt" } },
    ];
    const args = { steps, title: "Three steps" };
    const call = { method: "run_plan", args, answers: Array(5).fill(true) };
    await using tool = callTool(gateway, call);
    expect(await tool.answer()).toMatchObject({ status: "failed", failed_step: 3 });
    expect(tool.shown()).toContain("Title: Three steps");
    expect(tool.shown()).toContain("Step 2 of 3: fs.read");
  });
});

describe.runIf(python)("two approvers", () => {
  test("the one in the chat is not enough", async () => {
    await using double = await startGateway({
      policy: {
        capabilities: { "fs.write": { enabled: true, allowed_paths: ["/tmp"] } },
        confirmation: { approvals: { medium: 2 } },
      },
      clients: [{ id: "second", scopes: ["confirm", "read"] }],
    });
    const args = { path: "/tmp/two.txt", content: "x" };
    await using tool = callTool(double, { method: "write_file", args, answers: [true] });
    await tool.until(
      ({ kind, event }) =>
        kind === "event" && (event.data.description ?? "").includes("another approver"),
    );
    expect(existsSync(double.file(args.path))).toBe(false);
    const { body } = await call<TaskList>(double, "GET", "/tasks?limit=1");
    for (const planned of body.tasks) await approve(double, planned, double.keys.second);
    expect((await tool.answer()).status).toBe("completed");
  });
});
