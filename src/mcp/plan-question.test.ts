import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Preview, StepView, TaskView } from "../contract/task.ts";
import { makeVisible } from "../lib/inert.ts";
import type { SurfaceView } from "../tasks/tasks.ts";
import { askAboutPlan } from "./plan-question.ts";

/** What a terminal or a page acts on, or does not show. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{DI}\u2800]/u;
const SCREENSHOT: Preview = {
  kind: "screenshot",
  artifact_id: "artifact_aaaaaaaaaaaaaaaaaaaaaa",
  url: "/artifacts/artifact_aaaaaaaaaaaaaaaaaaaaaa",
  width: 1280,
  height: 960,
  targets: [{ x: 10, y: 20 }],
};

function surface(
  { title, ...step }: Partial<StepView> & { title?: string } = {},
  denial?: string,
): SurfaceView {
  const whole: StepView = {
    action: "fs.write",
    parameters: { path: "/tmp/a.txt", content: "x" },
    summary: "Write 1 byte to /tmp/a.txt",
    risk: "medium",
    reasons: ["the file exists"],
    ...step,
  };
  const task: TaskView = {
    task_id: "task_aaaaaaaaaaaaaaaaaaaaaa",
    desktop: "main",
    action: whole.action,
    parameters: whole.parameters,
    estimated_risk: "medium",
    plan_summary: whole.summary,
    requires_confirmation: true,
    plan_digest: `sha256:${"0".repeat(64)}`,
    status: "awaiting_confirmation",
    expires_at: "2026-01-01T00:00:00.000Z",
    confirmation: { mode: "approver", url: "http://localhost/approvals/x", approvals_required: 1 },
    steps: [whole],
    requester: "chat",
    approvals: [],
    progress: 0,
    result: null,
    error: null,
    artifacts: [],
    created_at: "2026-01-01T00:00:00.000Z",
    ...(title !== undefined && { title }),
  };
  return { task, ...(denial !== undefined && { denial }) };
}

const ask = (view: SurfaceView) => askAboutPlan(view)?.message ?? "";

/** The lines between the fences, and the fence. */
function fenced(message: string) {
  const lines = message.split("\n");
  const start = lines.findIndex((line) => /^`{3,}text$/.test(line));
  const fence = lines[start]?.replace("text", "") ?? "";
  return { fence, before: lines.slice(0, start), plan: lines.slice(start + 1, -1), lines };
}

describe("the question about a plan", () => {
  test("says what, why, how risky, where and for which key", () => {
    const { before, plan } = fenced(ask(surface({ title: "Note it" })));
    expect(before).toEqual(["May this be done? Nothing of it has run yet.", ""]);
    expect(plan).toEqual([
      "Plan: Waits for a decision: Note it",
      "Risk: medium",
      "",
      "Step: Write 1 byte to /tmp/a.txt (risk: medium)",
      "Action: fs.write",
      "Because: the file exists",
      "path: /tmp/a.txt",
      "content: x",
      "",
      "Desktop: main",
      "Planned with key: chat",
      "Expires: 2026-01-01T00:00:00.000Z",
      "Task: task_aaaaaaaaaaaaaaaaaaaaaa",
    ]);
  });

  test.each([
    ["bidi", "a\u202egnp.exe", "a⟦U+202E⟧gnp.exe"],
    ["a zero-width space", "pay\u200bpal", "pay⟦U+200B⟧pal"],
    ["a terminal's escape", "\u001b[2Jx", "⟦U+001B⟧[2Jx"],
    ["a carriage return", "yes\rno", "yes⟦U+000D⟧no"],
    ["a no-break space", "a\u00a0b", "a⟦U+00A0⟧b"],
    ["a tag character", "a\u{e0041}", "a⟦U+E0041⟧"],
    ["half a surrogate pair", "a\ud800b", "a⟦U+D800⟧b"],
    ["a line separator", "a\u2028Risk: low", "a⟦U+2028⟧Risk: low"],
  ])("I8 makes %s visible, wherever it stands", (_, text, shown) => {
    const path = { parameters: { path: text } };
    expect(ask(surface(path))).toContain(`path: ${shown}`);
    expect(ask(surface({ title: text }))).toContain(`decision: ${shown}`);
    expect(ask(surface({ summary: text }))).toContain(`Step: ${shown}`);
    expect(ask(surface({ reasons: [text] }))).toContain(`Because: ${shown}`);
    expect(ask(surface({ parameters: { [text]: "1" } }))).toContain(`${shown}: 1`);
    expect(ask(surface({ preview: { kind: "text", text } }))).toContain(`Text: ${shown}`);
  });

  test("I8 shows any text whole and inert, and keeps it inside its block", () => {
    const texts = fc.string({ unit: "binary", maxLength: 300 });
    const nasty = fc.constantFrom("```", "\n", "\nRisk: low\n", "`", "~~~", "\u202e", "\r\n");
    const mixed = fc.array(fc.oneof(texts, nasty)).map((parts) => parts.join(""));
    fc.assert(
      fc.property(mixed, mixed, (title, content) => {
        const message = ask(surface({ title, parameters: { content } }));
        const { fence, plan, lines } = fenced(message);
        expect(message.replaceAll(/[\n\t]/g, "")).not.toMatch(HIDDEN);
        expect(lines.filter((line) => line.startsWith(fence))).toHaveLength(2);
        expect(plan.some((line) => line.includes(fence))).toBe(false);
        expect(plan.filter((line) => line.startsWith("Risk: "))).toEqual(["Risk: medium"]);
        const shown = makeVisible(content, { multiline: true }).split("\n");
        const [only = ""] = shown;
        const expected = shown.length === 1 ? [`content: ${only}`] : shown.map((l) => `  | ${l}`);
        expect(plan.join("\n")).toContain(expected.join("\n"));
      }),
      { numRuns: 300 },
    );
  });

  test("a name of several lines is no line of ours", () => {
    const { plan } = fenced(ask(surface({ parameters: { "x\nRisk: low": "1" } })));
    expect(plan).toContain("x⟦U+000A⟧Risk: low: 1");
  });
});

describe("is not asked", () => {
  test("I8 of a plan whose picture must be seen", () => {
    expect(askAboutPlan(surface({ action: "mouse.click", preview: SCREENSHOT }))).toBeUndefined();
    const several = surface();
    const [step] = several.task.steps;
    const steps = [...(step ? [step] : []), { ...(step as StepView), preview: SCREENSHOT }];
    expect(askAboutPlan({ task: { ...several.task, steps } })).toBeUndefined();
  });

  test("I4 of a plan that is not decided here", () => {
    expect(askAboutPlan(surface({}, "Its risk is high."))).toBeUndefined();
  });

  test("I8 of a plan too long for a dialog, whatever is long in it", () => {
    const long = "x".repeat(12_000);
    expect(askAboutPlan(surface({ parameters: { content: "x".repeat(11_000) } }))).toBeDefined();
    for (const part of [
      { parameters: { content: long } },
      { parameters: { content: "\u200b".repeat(2_000) } },
      { parameters: { content: "\n".repeat(4_000) } },
      { parameters: { [long]: "" } },
      { summary: long },
      { title: long },
      { reasons: [long] },
      { preview: { kind: "text", text: long } } as const,
    ]) {
      expect(askAboutPlan(surface(part))).toBeUndefined();
    }
  });
});
