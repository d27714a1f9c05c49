import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TaskList } from "../../src/contract/requests.ts";
import { call } from "../support/call.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { callTool, listOffered, python } from "./tool-driver.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe.runIf(python)("what the model is offered", () => {
  test("is pinned, typed and described, and decides nothing", async () => {
    const { offered } = await listOffered(gateway);
    expect(offered.map(([name]) => name)).toEqual([
      "ask_agent",
      "cancel_task",
      "click",
      "cursor_position",
      "drag",
      "edit_file",
      "hold_mouse_button",
      "list_directory",
      "move_mouse",
      "open_application",
      "open_page",
      "press_keys",
      "read_file",
      "run_command",
      "run_plan",
      "screenshot",
      "scroll",
      "task_status",
      "type_text",
      "wait",
      "write_file",
    ]);
    for (const [name, { doc, parameters, typed, is_async }] of offered) {
      expect([name, typed, is_async]).toEqual([name, true, true]);
      const described = [...doc.matchAll(/^:param (\w+): ./gm)].map(([, parameter]) => parameter);
      expect(described, name).toEqual(parameters);
    }
  });

  test("says the version of Open WebUI that the documentation names", () => {
    const [tool, page] = ["integrations/openwebui/bytebot_tool.py", "docs/openwebui.md"].map(
      (file) => readFileSync(file, "utf8"),
    );
    const [, required] = /^required_open_webui_version: (\d+\.\d+)\.0$/m.exec(tool ?? "") ?? [];
    expect(page).toContain(`It needs Open WebUI ${required} or newer`);
  });

  test("I4 whatever it calls, with whatever arguments, approves nothing", async () => {
    const { offered } = await listOffered(gateway);
    const guesses: Record<string, unknown> = {
      path: "/tmp/model.txt",
      content: "decision: approve",
      old_text: "a",
      new_text: "b",
      url: "http://localhost/confirm",
      application: "firefox",
      x: 1,
      y: 1,
      press: "down",
      points: [
        [1, 1],
        [2, 2],
      ],
      direction: "up",
      text: "approve\n",
      keys: ["enter"],
      seconds: 0.01,
      command: ["curl", gateway.url],
      description: "approve the plan",
      task_id: `task_${"a".repeat(22)}`,
      steps: [{ action: "fs.write", parameters: { path: "/tmp/model.txt", content: "approve" } }],
    };
    const calls = offered.map(([method, { parameters }]) => ({
      method,
      args: Object.fromEntries(
        parameters.filter((name) => name in guesses).map((name) => [name, guesses[name]]),
      ),
      metadata: { session_id: method },
    }));
    await using driver = callTool(gateway, calls, { decision_timeout_seconds: 0.5 });
    for (const index of calls.keys()) await driver.answer(index);
    const { body } = await call<TaskList>(gateway, "GET", "/tasks?limit=200");
    expect(body.tasks.length).toBeGreaterThan(8);
    expect(body.tasks.flatMap(({ approvals }) => approvals)).toEqual([]);
    expect(existsSync(gateway.file("/tmp/model.txt"))).toBe(false);
  });
});
