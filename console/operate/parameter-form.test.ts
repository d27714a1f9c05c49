import { expect, test } from "vitest";
import { fieldsOf, parametersFromJson, parametersOf } from "./parameter-form.ts";

const schema = {
  type: "object",
  required: ["path", "at"],
  properties: {
    path: { type: "string", description: "Where." },
    at: { type: "object" },
    encoding: { type: "string", enum: ["utf8", "base64"] },
    length: { type: "integer" },
  },
};

test("a schema becomes fields", () => {
  expect(fieldsOf(schema)?.map(({ name, kind, required }) => [name, kind, required])).toEqual([
    ["path", "text", true],
    ["at", "json", true],
    ["encoding", "choice", false],
    ["length", "json", false],
  ]);
  expect(fieldsOf(schema)?.[2]?.choices).toEqual(["utf8", "base64"]);
});

test("what is no object with members has no fields", () => {
  for (const other of [undefined, null, {}, { anyOf: [] }]) expect(fieldsOf(other)).toBeUndefined();
});

test("text stays what it is, the rest is JSON, and what is empty is left out", () => {
  const fields = fieldsOf(schema) ?? [];
  expect(parametersOf(fields, { path: "007", at: '{"x":1}', encoding: "", length: "12" })).toEqual({
    path: "007",
    at: { x: 1 },
    length: 12,
  });
  expect(parametersOf(fields, {})).toEqual({ path: "" });
});

test("what is no JSON is named", () => {
  expect(() => parametersOf(fieldsOf(schema) ?? [], { length: "many" })).toThrow(
    "length is no JSON",
  );
  expect(() => parametersFromJson("[1]")).toThrow("no JSON object");
  expect(parametersFromJson("")).toEqual({});
});
