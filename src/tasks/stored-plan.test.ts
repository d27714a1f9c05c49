import { describe, expect, it } from "vitest";
import { canonicalJson, sha256 } from "../lib/canonical.ts";
import { type PlanBytes, PlanBytesReader, type ReadPlan, readPlan } from "./stored-plan.ts";

const notes = JSON.stringify({
  summary: "Write a file",
  defaults: [],
  steps: [{ reasons: ["a"] }],
});
const plan = {
  task_id: "task_AAAAAAAAAAAAAAAAAAAAAA",
  steps: [{ action: "fs.write", parameters: { path: "/tmp/a", nested: { list: [1] } } }],
  notes_digest: sha256(notes),
};
const canonicalPlan = canonicalJson(plan);
const bytes: PlanBytes = { canonicalPlan, digest: sha256(canonicalPlan), notes };

function read(reader: PlanBytesReader, changed: Partial<PlanBytes> = {}): ReadPlan {
  const found = reader.read({ ...bytes, ...changed });
  if ("problem" in found) throw new Error(found.problem);
  return found;
}

describe("a stored plan", () => {
  it("I2 is frozen as deep as it goes, with what is shown of it", () => {
    const found = read(new PlanBytesReader());
    expect(found.plan).toEqual(plan);
    const parameters = found.plan.steps[0]?.parameters ?? {};
    const { list } = parameters.nested as { list: number[] };
    expect(() => Object.assign(parameters, { path: "/etc" })).toThrow(TypeError);
    expect(() => list.push(2)).toThrow(TypeError);
    expect(() => Object.assign(found.notes, { summary: "" })).toThrow(TypeError);
  });

  it("is parsed once for the same bytes", () => {
    const reader = new PlanBytesReader();
    expect(read(reader).plan).toBe(read(reader).plan);
  });

  it("I19 is not one whose bytes are others, though it was read before", () => {
    const reader = new PlanBytesReader();
    read(reader);
    const forged = canonicalPlan.replace("/tmp/a", "/tmp/b");
    expect(reader.read({ ...bytes, canonicalPlan: forged })).toHaveProperty("problem");
    expect(reader.read({ ...bytes, digest: sha256("x") })).toHaveProperty("problem");
    expect(reader.read({ ...bytes, notes: notes.replace("Write", "Read") })).toHaveProperty(
      "problem",
    );
    for (const text of ["x", "null", "1"]) {
      const changed = { canonicalPlan: text, digest: sha256(text) };
      expect(reader.read({ ...bytes, ...changed }), text).toHaveProperty("problem");
    }
    expect(read(reader).plan).toEqual(plan);
    expect(readPlan(forged, bytes.digest)).toBeUndefined();
  });
});
