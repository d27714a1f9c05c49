import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Compile, type Validator } from "typebox/compile";

/**
 * Holds real answers against `docs/openapi.json`: their status, media type, error code and body must
 * be what the route declares, without a field more.
 */
export interface Seen {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly status: number;
  readonly contentType: string | null;
  /** Parsed where it is JSON. */
  readonly body: unknown;
}

export interface ApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { description: string; content: Record<string, { schema: object }> }>
  >;
}

const file = join(dirname(dirname(import.meta.dirname)), "docs/openapi.json");
const PROBLEM = "application/problem+json";
/** Of a request that met no route, which the document cannot declare. */
const ROUTELESS = new Set(["not_found", "method_not_allowed", "invalid_request"]);

let loaded: ApiDocument | undefined;
const compiled = new Map<object, Validator>();

/** The description that is published with the sources. */
export function apiDocument(): ApiDocument {
  loaded ??= JSON.parse(readFileSync(file, "utf8")) as ApiDocument;
  return loaded;
}

/** Throws where an answer is not as its route declares it. */
export function checkAnswer(seen: Seen): void {
  const problem = problemWith(seen);
  if (problem === undefined) return;
  const { method, target, status, body } = seen;
  const shown = JSON.stringify(body)?.slice(0, 2000);
  throw new Error(`${method} ${target} answered ${status}: ${problem}\n${shown}`);
}

/** Why an answer is not as its route declares it; undefined where it is. */
export function problemWith({
  method,
  target,
  status,
  contentType,
  body,
}: Seen): string | undefined {
  const operation = operationOf(method, target);
  const mediaType = contentType?.split(";", 1)[0] ?? "";
  if (operation === undefined) return problemWithout(mediaType, body);
  const answer = operation.responses[status];
  if (answer === undefined) return `status ${status} is not declared`;
  const declared = answer.content[mediaType] ?? answer.content["*/*"] ?? bytesOf(answer.content);
  if (declared === undefined) return `${mediaType} is not declared`;
  if (mediaType === PROBLEM && !answer.description.includes(`\`${codeOf(body)}\``)) {
    return `code ${codeOf(body)} is not declared`;
  }
  return mediaType.endsWith("json") ? mismatch(declared.schema, body) : undefined;
}

function operationOf(method: string, target: string): Operation | undefined {
  const [path = ""] = target.split("?", 1);
  const found = Object.entries(apiDocument().paths).find(([template]) =>
    new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path),
  );
  return found?.[1][method === "HEAD" ? "get" : method.toLowerCase()];
}

/** Bytes come under the media type they have. */
function bytesOf(content: Record<string, { schema: object }>): { schema: object } | undefined {
  return content["application/octet-stream"];
}

function problemWithout(mediaType: string, body: unknown): string | undefined {
  if (mediaType !== PROBLEM) return "there is no such route, and the answer is no problem";
  if (!ROUTELESS.has(codeOf(body))) return `there is no such route, and code ${codeOf(body)}`;
  return mismatch(apiDocument().components.schemas.Problem ?? {}, body);
}

function codeOf(body: unknown): string {
  return String((body as { code?: unknown } | null)?.code);
}

function mismatch(schema: object, body: unknown): string | undefined {
  let validator = compiled.get(schema);
  if (validator === undefined) {
    validator = Compile(closed(schema) as object);
    compiled.set(schema, validator);
  }
  if (validator.Check(body)) return undefined;
  const [error] = validator.Errors(body);
  return `the body does not match its schema at "${error?.instancePath}": ${error?.message}`;
}

/** The schema with its references resolved, and objects that list their fields closed. */
function closed(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closed);
  const { $ref } = schema as { $ref?: string };
  if ($ref !== undefined) {
    return closed(apiDocument().components.schemas[$ref.replace("#/components/schemas/", "")]);
  }
  const inside = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, closed(value)]),
  );
  const lists = "properties" in schema && !("additionalProperties" in schema);
  return lists ? { ...inside, additionalProperties: false } : inside;
}
