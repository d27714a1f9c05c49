import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StepView, TaskView } from "../contract/task.ts";
import { displayWidth } from "./inert-text.ts";
import { durationText, renderDiff, renderPlan } from "./render-plan.ts";
import { paintFor, plain } from "./shell.ts";

const NOW = Date.parse("2026-01-01T12:00:00Z");
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const canvas = { paint: plain, width: 100 };
const colours = { paint: paintFor({ isTTY: true }, {}), width: 100 };

function step(more: Partial<StepView>): StepView {
  return {
    action: "fs.write",
    parameters: {},
    summary: "Write a file",
    risk: "medium",
    reasons: [],
    ...more,
  };
}

function task(...steps: StepView[]): TaskView {
  return {
    task_id: "task_AAAAAAAAAAAAAAAAAAAAAA",
    desktop: "embedded",
    requester: "pipeline",
    action: steps[0]?.action ?? "",
    parameters: steps[0]?.parameters ?? {},
    estimated_risk: "medium",
    plan_summary: "Write a file",
    requires_confirmation: true,
    plan_digest: DIGEST,
    status: "awaiting_confirmation",
    expires_at: "2026-01-01T12:14:00Z",
    confirmation: { mode: "approver", url: "http://x/approvals/y", approvals_required: 2 },
    steps,
    approvals: [],
    progress: 0,
    result: null,
    error: null,
    artifacts: [],
    created_at: "2026-01-01T11:59:00Z",
  };
}

function rendered(view: TaskView): string {
  return renderPlan(view, canvas, NOW).join("\n");
}

describe("renderPlan", () => {
  test("says whom it is for, how sure that is, and where it was approved", () => {
    const plan = task(step({}));
    expect(rendered(plan)).not.toContain("For  ");
    const requested_by = { verified: false, name: "Ada\u202E", email: "ada@example.com" };
    const approvals = [
      { key_id: "chat", via: "card" as const, at: plan.created_at, plan_digest: DIGEST },
    ];
    const claimed = rendered({ ...plan, requested_by, approvals });
    expect(claimed).toMatch(/For .*Ada.*202E.*, ada@example\.com \(only claimed\)/);
    expect(claimed).toContain("chat on its own card, ");
    const verified = rendered({ ...plan, requested_by: { ...requested_by, verified: true } });
    expect(verified).toContain("(verified)");
  });

  test("I8 says who, what, where, how risky, why, until when, and the whole digest", () => {
    const text = rendered(task(step({ reasons: ["overwrites a file", "confirmation.medium"] })));
    for (const part of [
      "pipeline",
      "embedded",
      "medium risk",
      DIGEST,
      "2 different approvers",
      "overwrites a file",
      "confirmation.medium",
      "in 14 min",
      "fs.write",
    ]) {
      expect(text).toContain(part);
    }
  });

  test("I8 shows every step and every parameter, however many and long", () => {
    const steps = Array.from({ length: 100 }, (_, index) =>
      step({
        action: `step.a${index}`,
        parameters: { path: `/tmp/file-${index}`, content: `${"x".repeat(5000)}END${index}` },
      }),
    );
    const text = rendered(task(...steps)).replaceAll(/\n *┊ /g, "");
    for (let index = 0; index < 100; index += 1) {
      expect(text).toContain(`Step ${index + 1} of 100  step.a${index}`);
      expect(text).toContain(`/tmp/file-${index}\n`);
      expect(text).toContain(`${"x".repeat(5000)}END${index}`);
    }
  });

  test("I8 is inert whatever the plan says, in every place that holds text", () => {
    const nasty = "a\u001b[2Jb\u202Ec\r\nRisk low\u200b\u0007";
    const view: TaskView = {
      ...task(
        step({
          action: nasty,
          summary: nasty,
          reasons: [nasty],
          parameters: { [nasty]: nasty, list: [nasty], object: { [nasty]: nasty } },
          preview: { kind: "diff", path: nasty, diff: `+${nasty}`, truncated: true, note: nasty },
        }),
        step({ preview: { kind: "command", argv: [nasty] } }),
        step({ preview: { kind: "text", text: nasty } }),
        step({
          preview: { kind: "url", href: nasty, host: nasty, port: nasty, path: nasty },
        }),
      ),
      title: nasty,
      desktop: nasty,
      requester: nasty,
      plan_summary: nasty,
      expires_at: nasty,
      approvals: [{ key_id: nasty, on_behalf_of: nasty, at: NOW.toString(), plan_digest: DIGEST }],
    };
    for (const line of renderPlan(view, canvas, NOW)) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(line.trimStart()).not.toMatch(/^Risk low/);
    }
  });

  test("I8 no line runs over the width, so that none can pass for another", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 400 }),
        fc.jsonValue({ maxDepth: 3 }),
        (text, value) => {
          const preview = {
            kind: "diff",
            path: text,
            note: text,
            diff: text,
            truncated: false,
          } as const;
          const view = task(
            step({ summary: text, reasons: [text], parameters: { text, value }, preview }),
          );
          const hostile = { ...view, title: text, plan_summary: text };
          for (const line of renderPlan(hostile, { ...canvas, width: 60 }, NOW)) {
            expect(displayWidth(line)).toBeLessThanOrEqual(60);
          }
        },
      ),
    );
  });

  test("shows an argv one argument a line, and odd ones in quotes", () => {
    const lines = renderPlan(
      task(step({ preview: { kind: "command", argv: ["ls", "", "a b", " c", "d\ne"] } })),
      canvas,
      NOW,
    ).map((line) => line.trim());
    expect(lines).toEqual(
      expect.arrayContaining(["[0] ls", '[1] ""', "[2] a b", '[3] " c"', '[4] "d\\ne"']),
    );
  });

  test("shows the parsed host of an address", () => {
    const url = { kind: "url", href: "https://a.b/c", host: "a.b", port: "", path: "/c" } as const;
    expect(rendered(task(step({ preview: url })))).toMatch(/host {2}a\.b\n/);
  });

  test("colours a diff by its signs and says where it was cut", () => {
    const diff = "--- a\n+++ b\n@@ -1 +1 @@\n-old\n+new\n same\n";
    const lines = renderDiff(diff, colours);
    expect(lines[3]).toContain("\u001b[31m");
    expect(lines[4]).toContain("\u001b[32m");
    expect(lines[5]).toBe("│  same");
    const cutPreview = { kind: "diff", path: "/a", diff, truncated: true } as const;
    expect(rendered(task(step({ preview: cutPreview })))).toContain("parameters above");
  });

  test("no colour without a terminal, with NO_COLOR, or on a dumb one", () => {
    expect(paintFor({ isTTY: false }, {})("red", "x")).toBe("x");
    expect(paintFor({ isTTY: true }, { NO_COLOR: "1" })("red", "x")).toBe("x");
    expect(paintFor({ isTTY: true }, { TERM: "dumb" })("red", "x")).toBe("x");
    expect(paintFor({ isTTY: true }, {})("red", "x")).not.toBe("x");
  });

  test("durations", () => {
    expect([1, 119, 120, 7199, 7200, 200_000].map(durationText)).toEqual([
      "1 s",
      "119 s",
      "2 min",
      "120 min",
      "2 h",
      "2 d",
    ]);
  });
});
