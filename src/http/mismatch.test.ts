import fc from "fast-check";
import Type from "typebox";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { AuditQuery } from "../contract/audit.ts";
import {
  ConfirmRequest,
  ExecuteQuery,
  ExecuteRequest,
  PlanRequest,
  StopRequest,
  TaskListQuery,
} from "../contract/requests.ts";
import { findMismatch } from "./mismatch.ts";

const SCHEMAS = {
  AuditQuery,
  ConfirmRequest,
  ExecuteQuery,
  ExecuteRequest,
  PlanRequest,
  StopRequest,
  TaskListQuery,
};

/** Objects with the names the schemas know, now and then with values that fit. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>("approve", "planned", "12", "", 0, 1, 300, 301, -1, 0.5, null, true),
    fc.constantFrom(`task_${"A".repeat(22)}`, `sha256:${"0".repeat(64)}`, "x".repeat(65), "😀"),
    fc.array(tie("any"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(
    fc.constantFrom(
      ...Object.values(SCHEMAS).flatMap(({ properties }) => Object.keys(properties)),
      "unknown",
      "toString",
    ),
    tie("any"),
    { maxKeys: 4 },
  ),
})).any;

describe("findMismatch", () => {
  it.each(Object.entries(SCHEMAS))("finds one exactly where %s does not match", (_name, schema) => {
    const compiled = Compile(schema);
    fc.assert(
      fc.property(value, (candidate) => {
        expect(findMismatch(schema, candidate) === undefined).toBe(compiled.Check(candidate));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [{}, "/task_id", "a string matching ^task_[A-Za-z0-9_-]{22}$, and it is missing"],
    [[], "", "an object"],
    [{ task_id: `task_${"A".repeat(22)}`, zzz: 1 }, "/zzz", "only task_id, action, parameters"],
  ])("says of %j: %s, %s", (candidate, pointer, expected) => {
    expect(findMismatch(ExecuteRequest, candidate)).toEqual({ pointer, expected });
  });

  it("explains unions, bounds and choices", () => {
    const schema = Type.Object({
      a: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      b: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
      c: Type.Optional(Type.Enum(["x", "y"])),
    });
    expect(findMismatch(schema, { a: 1 })?.expected).toBe("a string or a null");
    expect(findMismatch(schema, { b: 6 })?.expected).toBe("an integer of 1 to 5");
    expect(findMismatch(schema, { c: "z" })?.expected).toBe("one of x, y");
  });
});
