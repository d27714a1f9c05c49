import type { FastifySchemaCompiler } from "fastify";
import Type, { type TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { GatewayError } from "../contract/errors.ts";
import { findMismatch } from "./mismatch.ts";
import type { Route } from "./route.ts";

/** The query of a route that has none. */
export const NO_QUERY = Type.Object({}, { additionalProperties: false });

type Validate = (value: unknown) => { value: unknown } | { error: GatewayError };

/** Compiles a route's schemas. What does not match names its place and what was expected there. */
export function createValidatorCompiler(route: Route): FastifySchemaCompiler<TSchema> {
  return ({ schema, httpPart }) => PARTS[httpPart ?? "body"]?.(schema, route) ?? ignore;
}

const PARTS: Readonly<Record<string, (schema: TSchema, route: Route) => Validate>> = {
  body: (schema, route) =>
    validate(
      schema,
      (value) => value,
      (value) => mismatchError("body", schema, value, route),
    ),
  querystring: (schema, route) =>
    validate(
      schema,
      (value) => convertQuery(schema, value),
      (value) => mismatchError("query", schema, value, route),
    ),
  params: (schema, { missing = "not_found" }) =>
    validate(
      schema,
      (value) => value,
      () => new GatewayError(missing, MISSING[missing], { hint: "Check the id in the path." }),
    ),
};

const MISSING = {
  not_found: "There is no such resource.",
  task_not_found: "There is no task of this id that this key may see.",
  artifact_not_found: "There is no artifact of this id that this key may see.",
} as const;

const ignore: Validate = (value) => ({ value });

function validate(
  schema: TSchema,
  convert: (value: unknown) => unknown,
  refuse: (value: unknown) => GatewayError,
): Validate {
  // Compiled when first needed, so that no start pays for it.
  let compiled: Validator | undefined;
  return (raw) => {
    const value = convert(raw);
    compiled ??= Compile(schema);
    return compiled.Check(value) ? { value } : { error: refuse(value) };
  };
}

function mismatchError(
  part: "body" | "query",
  schema: TSchema,
  value: unknown,
  { method, path }: Route,
): GatewayError {
  const mismatch = findMismatch(schema, value);
  const detail =
    mismatch === undefined
      ? `The ${part} does not match the schema of ${method} ${path}.`
      : `The ${part} does not match at ${JSON.stringify(mismatch.pointer)}: expected ${mismatch.expected}.`;
  const hint = `GET /openapi.json has the schema of ${method} ${path}.`;
  return new GatewayError("invalid_request", detail, { hint });
}

const CONVERSIONS: Readonly<Record<string, { pattern: RegExp; of: (text: string) => unknown }>> = {
  integer: { pattern: /^-?\d{1,15}$/, of: Number },
  number: { pattern: /^-?\d{1,15}(\.\d{1,15})?$/, of: Number },
  boolean: { pattern: /^(true|false)$/, of: (text) => text === "true" },
};

/** Query values by their declared type; what cannot be converted stays text and then does not match. */
function convertQuery(schema: TSchema, query: unknown): unknown {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> };
  const converted: Record<string, unknown> = { ...(query as Record<string, unknown>) };
  for (const [name, { type = "" }] of Object.entries(properties)) {
    const text = converted[name];
    const conversion = CONVERSIONS[type];
    if (conversion !== undefined && typeof text === "string" && conversion.pattern.test(text)) {
      converted[name] = conversion.of(text);
    }
  }
  return converted;
}
