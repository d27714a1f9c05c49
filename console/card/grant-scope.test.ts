import { expect, it } from "vitest";
import type { StepView } from "../../src/contract/task.ts";
import { minutesUpTo, placesOf } from "./grant-scope.ts";

const step = (path: string): StepView => ({
  action: "fs.read",
  parameters: { path },
  summary: "",
  risk: "low",
  reasons: [],
});

it("offers the plan's one file and the folder that is proposed, and nothing wider", () => {
  const grantable = { action: "fs.read", path_prefix: "/home/user", max_minutes: 5 };
  expect(placesOf({ steps: [step("/home/user/a"), step("/home/user/a")], grantable })).toEqual([
    { path: "/home/user/a", exact: true },
    { path: "/home/user", exact: false },
  ]);
  expect(placesOf({ steps: [step("/home/user/a"), step("/home/user/b")], grantable })).toEqual([
    { path: "/home/user", exact: false },
  ]);
  expect(placesOf({ steps: [step("/home/user")], grantable })).toHaveLength(1);
  const page = { action: "browser.open", domain: "a.example", max_minutes: 5 };
  expect(placesOf({ steps: [], grantable: page })).toEqual([]);
});

it("offers no more minutes than policy allows", () => {
  expect(minutesUpTo(60)).toEqual([5, 15, 30, 60]);
  expect(minutesUpTo(3)).toEqual([3]);
  expect(minutesUpTo(45)).toEqual([5, 15, 30, 45]);
});
