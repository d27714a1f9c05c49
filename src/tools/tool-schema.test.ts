import Type from "typebox";
import { describe, expect, it } from "vitest";
import { capabilities } from "../capabilities/registry.ts";
import { toolSchema } from "./tool-schema.ts";

const described = (schema: object) =>
  (toolSchema(Type.Object({ it: schema as never })).properties.it as { description?: string })
    .description;

describe("toolSchema", () => {
  it.each<[object, string | undefined]>([
    [Type.Integer({ minimum: 0, maximum: 50 }), "0 to 50."],
    [Type.Integer({ minimum: 1 }), "At least 1."],
    [Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), undefined],
    [Type.String({ maxLength: 9, description: "A word" }), "A word. At most 9 characters."],
    [Type.Array(Type.String(), { minItems: 2, maxItems: 3 }), "2 to 3 items."],
    [Type.Boolean({ default: false }), "Default false."],
    [Type.Integer({ default: 1, description: "Times. Default 1." }), "Times. Default 1."],
    [Type.Integer({ maximum: 60_000, description: "At most 60,000." }), "At most 60,000."],
    [Type.Integer({ maximum: 6, description: "Up to 60." }), "Up to 60. At most 6."],
  ])("says bounds and default in words, once: %j", (schema, description) => {
    expect(described(schema)).toBe(description);
  });

  it("says them of what lies deeper too", () => {
    const schema = toolSchema(
      Type.Object({ list: Type.Array(Type.Object({ x: Type.Integer({ maximum: 7 }) })) }),
    );
    expect(JSON.stringify(schema)).toContain('"description":"At most 7."');
  });

  it.each([...capabilities.values()].map((capability) => [capability.action, capability] as const))(
    "%s becomes an open object without a reference, all of it explained",
    (_, { parameters, result }) => {
      for (const schema of [parameters, result].map(toolSchema)) {
        expect(schema.type).toBe("object");
        expect(schema.additionalProperties).toBeUndefined();
        expect(JSON.stringify(schema)).not.toMatch(/\$ref|allOf|anyOf|oneOf|\$defs/);
      }
      for (const [name, part] of Object.entries(toolSchema(parameters).properties)) {
        expect((part as { description?: string }).description, name).toBeTruthy();
      }
    },
  );
});
