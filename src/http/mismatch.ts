import { isDeepStrictEqual } from "node:util";
import type { TSchema } from "typebox";

/** Where a value leaves its schema, as a JSON pointer (RFC 6901), and what was expected there. */
export interface Mismatch {
  readonly pointer: string;
  readonly expected: string;
}

/** The keywords our schemas use, as TypeBox writes them. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

const MAX_NAME = 64;

/**
 * The first place at which the value does not match, for a person to read. Looks at counts before
 * items and stops at the first fault, so that a huge wrong body costs no more than a small one. The
 * compiled validator decides what matches; this only explains, and may find nothing.
 */
export function findMismatch(schema: TSchema, value: unknown): Mismatch | undefined {
  return find(schema as Schema, value, "");
}

function find(schema: Schema, value: unknown, pointer: string): Mismatch | undefined {
  if (schema.anyOf !== undefined) {
    if (schema.anyOf.some((option) => find(option, value, "") === undefined)) return undefined;
    return { pointer, expected: schema.anyOf.map(describe).join(" or ") };
  }
  if (!matchesAlone(schema, value)) return { pointer, expected: describe(schema) };
  if (Array.isArray(value)) return inArray(schema, value, pointer);
  return isObject(value) ? inObject(schema, value, pointer) : undefined;
}

function inObject(schema: Schema, value: object, pointer: string): Mismatch | undefined {
  const { properties = {}, required = [], additionalProperties } = schema;
  for (const name of required) {
    const property = properties[name];
    if (!Object.hasOwn(value, name) && property !== undefined) {
      return { pointer: join(pointer, name), expected: `${describe(property)}, and it is missing` };
    }
  }
  for (const [name, item] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined && additionalProperties === false) {
      const known = Object.keys(properties);
      const expected = known.length > 0 ? `only ${known.join(", ")}` : "no fields at all";
      return { pointer: join(pointer, name), expected };
    }
    const mismatch = property && find(property, item, join(pointer, name));
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

function inArray(schema: Schema, value: readonly unknown[], pointer: string): Mismatch | undefined {
  const { items } = schema;
  if (items === undefined) return undefined;
  for (const [index, item] of value.entries()) {
    const mismatch = find(items, item, join(pointer, String(index)));
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
};

/** Whether the value matches apart from what is inside of it. */
function matchesAlone(schema: Schema, value: unknown): boolean {
  if (schema.type !== undefined && TYPES[schema.type]?.(value) === false) return false;
  if ("const" in schema && !isDeepStrictEqual(schema.const, value)) return false;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if (typeof value === "string") {
    if (!between(lengthOf(value, schema), schema.minLength, schema.maxLength)) return false;
    return schema.pattern === undefined || new RegExp(schema.pattern, "u").test(value);
  }
  if (Array.isArray(value)) return between(value.length, schema.minItems, schema.maxItems);
  if (typeof value !== "number") return true;
  if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum) return false;
  return between(value, schema.minimum, schema.maximum);
}

/** Characters, counted only where the answer can depend on it. */
function lengthOf(text: string, { minLength, maxLength = minLength }: Schema): number {
  if (maxLength === undefined || text.length > 2 * maxLength + 2) return text.length;
  return [...text].length;
}

function between(value: number, least = Number.NEGATIVE_INFINITY, most = Infinity): boolean {
  return value >= least && value <= most;
}

/** What a schema asks for, in words. */
function describe(schema: Schema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(describe).join(" or ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  const { type = "value", pattern } = schema;
  const limits = [
    range("items", schema.minItems, schema.maxItems),
    range("characters", schema.minLength, schema.maxLength),
    range("", schema.minimum ?? schema.exclusiveMinimum, schema.maximum),
    pattern === undefined ? "" : `matching ${pattern}`,
  ].filter((limit) => limit !== "");
  return [`${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`, ...limits].join(" ");
}

function range(unit: string, least: number | undefined, most: number | undefined): string {
  const of = unit === "" ? "" : ` ${unit}`;
  if (least === undefined && most === undefined) return "";
  if (most === undefined) return `of at least ${least}${of}`;
  return least === undefined ? `of at most ${most}${of}` : `of ${least} to ${most}${of}`;
}

/** Names come from the caller and may be anything. */
function join(pointer: string, name: string): string {
  const short = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name;
  return `${pointer}/${short.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
