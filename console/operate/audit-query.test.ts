import { expect, test } from "vitest";
import { addressOf, filtersOf, NO_FILTERS, queryOf } from "./audit-query.ts";
import { briefOf } from "./brief.ts";

test("filters survive the page's address, whatever stands in them", () => {
  const filters = { ...NO_FILTERS, text: 'a&b=c#d "é"', type: "task.*", from: "2026-01-31T12:00" };
  expect(filtersOf(new URLSearchParams(addressOf(filters)))).toEqual(filters);
  expect(addressOf(NO_FILTERS)).toBe("");
});

test("what is empty is not asked for; times are the reader's own", () => {
  const query = queryOf({ ...NO_FILTERS, text: "  x ", from: "2026-01-31T12:00" });
  expect(query).toEqual({ text: "x", from: new Date("2026-01-31T12:00").toISOString() });
});

test("a time that is none is left to be refused", () => {
  expect(queryOf({ ...NO_FILTERS, to: "yesterday" })).toEqual({ to: "yesterday" });
});

test("a record's line has its simple details, not digests and ids", () => {
  const details = {
    decision: "approve",
    plan_digest: "sha256:aa",
    grant_id: "g",
    via: "grant",
    steps: [1, 2],
  };
  expect(briefOf(details)).toBe("approve · via grant");
  expect(briefOf(undefined)).toBe("");
  expect(briefOf({ reason: "x".repeat(200) })).toBe(`${"x".repeat(60)}…`);
});
