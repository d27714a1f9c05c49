import type { TSchema } from "typebox";
import { mapValues } from "../lib/map-values.ts";
import type { ToolSchema } from "./tool.ts";

/** The parts of a schema that are looked at here. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/**
 * An object schema as plain JSON for models. Clients drop `default`, `minimum` and the like on the
 * way, so every description says them too. It is open at the top, because clients send more than
 * was asked for; the parts stay as strict as they were.
 */
export function toolSchema(schema: TSchema): ToolSchema {
  const { additionalProperties: _, ...open } = explain(
    JSON.parse(JSON.stringify(schema)) as Schema,
  ) as ToolSchema;
  return { ...open, type: "object", properties: open.properties ?? {} };
}

function explain(schema: Schema): Schema {
  const description = sentence(schema);
  return {
    ...schema,
    ...(description !== "" && { description }),
    ...(schema.properties && { properties: mapValues(schema.properties, explain) }),
    ...(schema.items && { items: explain(schema.items) }),
  };
}

function sentence(schema: Schema): string {
  const { description = "" } = schema;
  const said = description === "" || /[.!?]$/.test(description) ? description : `${description}.`;
  const bounds = boundsOf(schema, said);
  const byDefault =
    schema.default === undefined || /default/i.test(said)
      ? ""
      : `Default ${JSON.stringify(schema.default)}.`;
  return [said, bounds, byDefault].filter((part) => part !== "").join(" ");
}

/** What is known of the size, unless the description says it already. */
function boundsOf(schema: Schema, said: string): string {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema;
  return [
    range(minimum, maximum, "", said),
    range(minLength, maxLength, " characters", said),
    range(minItems, maxItems, " items", said),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function range(
  least: number | undefined,
  asked: number | undefined,
  unit: string,
  said: string,
): string {
  // The largest safe integer bounds the number, not the thing.
  const most = asked === Number.MAX_SAFE_INTEGER ? undefined : asked;
  const numbers = [least, most].filter((bound) => bound !== undefined && bound > 0);
  if (numbers.length === 0 || numbers.every((bound) => names(said, bound))) return "";
  if (most === undefined) return `At least ${least}${unit}.`;
  return least === undefined ? `At most ${most}${unit}.` : `${least} to ${most}${unit}.`;
}

function names(said: string, bound: number | undefined): boolean {
  return new RegExp(`(?<!\\d)${bound}(?!\\d)`).test(said.replaceAll(/(?<=\d),(?=\d)/g, ""));
}
