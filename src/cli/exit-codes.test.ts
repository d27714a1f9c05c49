import { describe, expect, test } from "vitest";
import { ERROR_CODES } from "../contract/errors.ts";
import { TASK_STATUSES } from "../contract/task.ts";
import { EXIT, EXIT_MEANINGS, exitOfError, exitOfStatus } from "./exit-codes.ts";

describe("exit codes", () => {
  test("are distinct, documented, and pinned", () => {
    expect(EXIT).toEqual({
      ok: 0,
      failed: 1,
      usage: 2,
      unreachable: 3,
      denied: 4,
      rejected: 5,
      expired: 6,
      unauthorised: 7,
      cancelled: 8,
      unavailable: 9,
      interrupted: 130,
      brokenPipe: 141,
    });
    expect(Object.keys(EXIT_MEANINGS)).toEqual(Object.keys(EXIT));
  });

  test("no error ends in success", () => {
    for (const code of ERROR_CODES) expect(exitOfError(code), code).toBeGreaterThan(0);
  });

  test.each([
    ["unreachable", 3],
    ["timed_out", 3],
    ["path_not_allowed", 4],
    ["capability_disabled", 4],
    ["task_rejected", 5],
    ["plan_expired", 6],
    ["signature_invalid", 7],
    ["scope_missing", 7],
    ["stopped", 9],
    ["rate_limited", 9],
    ["plan_mismatch", 1],
  ] as const)("%s is %i", (code, exit) => {
    expect(exitOfError(code)).toBe(exit);
  });

  test("a task that ended otherwise than completed is never success", () => {
    const failing = TASK_STATUSES.filter((status) => exitOfStatus(status) !== EXIT.ok);
    expect(failing.sort()).toEqual(["cancelled", "expired", "failed", "interrupted", "rejected"]);
  });
});
