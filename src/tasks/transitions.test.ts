import { describe, expect, it } from "vitest";
import { TASK_STATUSES } from "../contract/task.ts";
import { checkTransitions, isFinished, isPending, OPEN_STATUSES } from "./transitions.ts";

describe("transitions", () => {
  it("allow the way of a confirmed task", () => {
    expect(() =>
      checkTransitions("planned", [
        "awaiting_confirmation",
        "ready",
        "queued",
        "running",
        "completed",
      ]),
    ).not.toThrow();
  });

  it.each([
    ["planned", "running"],
    ["planned", "queued"],
    ["awaiting_confirmation", "queued"],
    ["running", "queued"],
    ["running", "expired"],
    ["ready", "running"],
  ] as const)("I2 never lead from %s straight to %s", (from, to) => {
    expect(() => checkTransitions(from, [to])).toThrow(/cannot go/);
  });

  it("I5 let nothing follow a finished task", () => {
    for (const from of TASK_STATUSES.filter(isFinished)) {
      for (const to of TASK_STATUSES)
        expect(() => checkTransitions(from, [to])).toThrow(/cannot go/);
    }
  });

  it("call pending what has not started", () => {
    expect(OPEN_STATUSES.filter(isPending)).toEqual([
      "planned",
      "awaiting_confirmation",
      "ready",
      "queued",
    ]);
  });
});
