import { expect, test } from "vitest";
import { countTests, summary } from "./test.ts";

const file = (status: string, ...tests: string[]) => ({
  name: "a.test.ts",
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});

test("passed, failed and skipped tests are counted", () => {
  const report = {
    testResults: [
      file("passed", "passed", "passed", "skipped"),
      file("failed", "passed", "failed", "todo"),
    ],
  };
  expect(countTests(report, 1)).toEqual({ passed: 3, failed: 1, skipped: 2 });
});

test("a file that broke before its tests is a failure", () => {
  const report = { testResults: [file("passed", "passed"), file("failed")] };
  expect(countTests(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

test("a run that crashed is a failure, whatever it counted", () => {
  expect(countTests(undefined, 134)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countTests(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  const report = { testResults: [file("passed", "passed")] };
  expect(countTests(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

test("a run without a test that passed is a failure", () => {
  expect(countTests({ testResults: [] }, 0).failed).toBe(1);
  expect(countTests({ testResults: [file("passed", "skipped")] }, 0).failed).toBe(1);
});

test("the summary names skipped tests only where there are some", () => {
  expect(summary({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
  expect(summary({ passed: 3, failed: 1, skipped: 2 })).toBe("3 passed, 1 failed, 2 skipped");
});
