import { expect, test } from "vitest";
import type { DryRunView } from "../../src/contract/operate.ts";
import { groupChanges } from "./group-changes.ts";

type Change = DryRunView["changed"][number];

function change(task: string, over: Partial<Change> = {}): Change {
  return {
    task_id: task,
    step: 0,
    key_id: "default",
    action: "fs.write",
    summary: task,
    planned_at: "2026-01-01T00:00:00.000Z",
    before: { effect: "allow", risk: "medium", mode: "approver", approvals: 1 },
    after: { effect: "allow", risk: "medium", mode: "client", approvals: 0 },
    direction: "laxer",
    rule: "confirmation.medium",
    ...over,
  };
}

test("what changes in the same manner is one group, its order kept", () => {
  const [group, ...more] = groupChanges([change("one"), change("two"), change("three")]);
  expect(more).toEqual([]);
  expect(group?.changes.map(({ summary }) => summary)).toEqual(["one", "two", "three"]);
});

test("another rule, action, outcome or direction is another group", () => {
  const groups = groupChanges([
    change("one"),
    change("two", { rule: "confirmation.low" }),
    change("three", { action: "fs.edit" }),
    change("four", { after: { effect: "allow", risk: "low", mode: "client", approvals: 0 } }),
    change("five", { direction: "mixed" }),
  ]);
  expect(groups).toHaveLength(5);
  expect(new Set(groups.map(({ id }) => id)).size).toBe(5);
});

test("reasons and words alone make no other group", () => {
  const after = { effect: "deny", code: "path_not_allowed" } as const;
  const groups = groupChanges([
    change("one", { after: { ...after, detail: "/a is not allowed" }, direction: "stricter" }),
    change("two", { after: { ...after, detail: "/b is not allowed" }, direction: "stricter" }),
  ]);
  expect(groups).toHaveLength(1);
});

test("what asks less comes first, then the larger group", () => {
  const stricter = { direction: "stricter", rule: "x" } as const;
  const groups = groupChanges([
    change("one", stricter),
    change("two", stricter),
    change("three", { rule: "confirmation.low" }),
    change("four"),
    change("five"),
  ]);
  expect(groups.map(({ direction, changes }) => [direction, changes.length])).toEqual([
    ["laxer", 2],
    ["laxer", 1],
    ["stricter", 2],
  ]);
});
