import { describe, expect, test } from "vitest";
import { readMessages, readModels, readTask, readTaskList } from "./agent-answers.ts";
import { describeTool } from "./describe-tool.ts";

const TASK = { id: "a-1", status: "RUNNING", control: "ASSISTANT", description: "x" };

describe("what the agent answers is taken for what it is", () => {
  test.each([
    ["no object", "x"],
    ["an id that leads elsewhere", { ...TASK, id: "../models" }],
    ["no id", { ...TASK, id: undefined }],
    ["an unknown status", { ...TASK, status: "constructor" }],
  ])("no task: %s", (_what, value) => {
    expect(readTask(value)).toBeUndefined();
    expect(readTaskList({ tasks: [value], total: 1 })).toBeUndefined();
  });

  test("who does not say that the agent has the desktop leaves it to a person", () => {
    expect(readTask(TASK)?.control).toBe("ASSISTANT");
    expect(readTask({ ...TASK, control: undefined })?.control).toBe("USER");
  });

  test("a list that claims fewer than it shows shows them", () => {
    expect(readTaskList({ tasks: [TASK, TASK], total: 0 })?.total).toBe(2);
    expect(readTaskList([TASK])).toBeUndefined();
  });

  test("models without a name are passed over", () => {
    const model = { provider: "p", name: "n", title: "t" };
    expect(readModels([model, null, { name: 1 }])).toEqual([{ name: "n", model }]);
    expect(readModels({})).toBeUndefined();
  });

  test("blocks of no known kind are left out, pictures in results are found", () => {
    const image = { type: "image", source: { type: "base64", data: "AA==" } };
    const content = [
      { type: "text", text: "t" },
      { type: "thinking", thinking: "…" },
      { type: "toString" },
      { type: "tool_use", id: "u", name: "computer_wait", input: 7 },
      { type: "tool_result", tool_use_id: "u", is_error: true, content: [image, "x", null] },
      { type: "image", source: { data: 5 } },
      null,
    ];
    expect(readMessages([{ id: "m", role: "ASSISTANT", content }, { id: 5 }, 7])).toEqual([
      {
        id: "m",
        role: "assistant",
        blocks: [
          { kind: "text", text: "t" },
          { kind: "tool_use", id: "u", tool: "computer_wait", input: {} },
          { kind: "tool_result", toolUseId: "u", isError: true },
          { kind: "image", data: "AA==" },
        ],
      },
    ]);
    expect(readMessages([{ id: "m", role: "USER", content: "text" }])).toMatchObject([
      { role: "user", blocks: [] },
    ]);
    expect(readMessages("x")).toBeUndefined();
  });
});

test.each([
  ["computer_type_text", { text: "secret" }, "types 6 characters"],
  ["computer_paste_text", { text: "s" }, "pastes 1 character"],
  ["computer_type_keys", { keys: ["s", "e"] }, "presses 2 keys together"],
  ["computer_press_keys", { keys: ["s"], press: "down" }, "presses or releases 1 key"],
  ["computer_click_mouse", { button: "left", coordinates: { x: 1, y: 2 } }, "clicks left at 1, 2"],
  ["computer_click_mouse", { button: 5, coordinates: "x" }, "clicks"],
  ["computer_application", { application: "firefox" }, "opens firefox"],
  ["computer_write_file", { path: "/tmp/a", data: "c2VjcmV0" }, "writes a file: /tmp/a"],
  ["computer_type_text", {}, "types 0 characters"],
  ["constructor", {}, "uses constructor"],
])("%s is told in words without its content", (tool, input, words) => {
  expect(describeTool(tool, input)).toBe(words);
});
