import { describe, expect, it } from "vitest";
import type { StepView } from "../../src/contract/task.ts";
import { draftOf, requestFromJson, requestOf, withField } from "./proposal.ts";

const step = (action: string, parameters: Record<string, unknown>): StepView => ({
  action,
  parameters,
  summary: "",
  risk: "medium",
  reasons: [],
});
const WRITE = step("fs.write", { path: "/tmp/a", content: "1\n2", mode: "create" });
const CLICK = step("mouse.click", { coordinates: { x: 1, y: 2 }, click_count: 2 });

describe("a proposal", () => {
  it("unchanged is the plan itself", () => {
    expect(requestOf(draftOf({ steps: [WRITE] }))).toEqual({
      action: "fs.write",
      parameters: WRITE.parameters,
    });
    expect(requestOf(draftOf({ steps: [WRITE, CLICK] }), "Tidy up")).toEqual({
      title: "Tidy up",
      steps: [WRITE, CLICK].map(({ action, parameters }) => ({ action, parameters })),
    });
  });

  it("takes a text as it stands and everything else as JSON", () => {
    const draft = withField(draftOf({ steps: [CLICK] }), 0, "click_count", "1");
    expect(requestOf(draft).parameters).toEqual({ coordinates: { x: 1, y: 2 }, click_count: 1 });
    const text = withField(draftOf({ steps: [WRITE] }), 0, "content", '{"a": 1}');
    expect(requestOf(text).parameters?.content).toBe('{"a": 1}');
  });

  it("names the field that is no JSON", () => {
    const draft = withField(draftOf({ steps: [WRITE, CLICK] }), 1, "click_count", "two");
    expect(() => requestOf(draft)).toThrow("click_count of step 2 is no JSON.");
  });

  it.each(["", "[]", "1", "null", '{"parameters": {}}'])("refuses the JSON %j", (text) => {
    expect(() => requestFromJson(text)).toThrow(/proposal/i);
  });
});
