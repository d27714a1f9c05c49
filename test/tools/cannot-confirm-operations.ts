import { mapValues } from "../../src/lib/map-values.ts";
import { extrasFor, HONEST, makeValue, type Schema, wordsFor } from "./cannot-confirm-arguments.ts";
import type { Target } from "./cannot-confirm-targets.ts";

/** An operation of an OpenAPI document. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId?: string;
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly responses?: unknown;
  readonly requestBody?: { content: Readonly<Record<string, { schema: Schema }>> };
}

interface ApiRequest {
  readonly address: string;
  readonly body: unknown;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas?: Readonly<Record<string, unknown>> };
}

/** Every operation that a document has. */
export async function operationsAt(url: string): Promise<readonly Operation[]> {
  const { paths, components } = (await (await fetch(url)).json()) as Document;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses: _, ...operation }]) => ({
      ...(resolved(operation, components) as Operation),
      method: method.toUpperCase(),
      path,
    })),
  );
}

/** With what its references stand for. */
function resolved(value: unknown, components: Document["components"]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => resolved(item, components));
  const { $ref } = value as { $ref?: string };
  const name = $ref?.replace("#/components/schemas/", "");
  if (name !== undefined) return resolved(components.schemas?.[name], components);
  return mapValues(value as Record<string, unknown>, (inside) => resolved(inside, components));
}

export function nameOf({ method, path }: Operation): string {
  return `${method} ${path}`;
}

export function bodySchema({ requestBody }: Operation): Schema | undefined {
  return requestBody?.content["application/json"]?.schema;
}

/** What an honest model would send to a tool, along with what would confirm if anything took it. */
export function honest(tool: string, schema: Schema, target: Target): Record<string, unknown> {
  const path = tool === "fs_list" ? "/tmp" : "/tmp/a.txt";
  const { task_id, plan_digest: text } = target;
  const words = { ...HONEST, path, task_id, wait: 0, desktop: "embedded", text };
  return { ...extrasFor(target), ...(makeValue(schema, words) as object) };
}

let texts = 0;
/** The target's id, its digest or the word itself, in turn, in every field of the schema. */
export function hostile(schema: Schema, target: Target): unknown {
  const text = TEXTS[texts++ % TEXTS.length]?.(target);
  return makeValue(schema, wordsFor(target, text));
}

/**
 * The operation's requests that mean the target: with every field that the document has, with those
 * alone that it asks for, and with fields more.
 */
export function requestsOf(operation: Operation, target: Target): readonly ApiRequest[] {
  const schema = bodySchema(operation);
  const requests = TEXTS.flatMap((text): ApiRequest[] => {
    const words = wordsFor(target, text(target));
    const address = addressOf(operation, words);
    if (schema === undefined) {
      // What a query asks for may contradict itself.
      const needed = addressOf(operation, words, ({ required }) => required === true);
      return [address, needed].map((target) => ({ address: target, body: undefined }));
    }
    const body = makeValue(schema, words) as Record<string, unknown>;
    const { required = [] } = schema;
    const needed = Object.entries(body).filter(([name]) => required.includes(name));
    return [
      { address, body },
      { address, body: BODIES[nameOf(operation)] ?? Object.fromEntries(needed) },
      { address, body: { ...extrasFor(target), ...body } },
    ];
  });
  return [...new Map(requests.map((request) => [JSON.stringify(request), request])).values()];
}

const WRITE = { path: "/tmp/api.txt", content: "x" };
/** Where the schema leaves open what goes together. */
const BODIES: Readonly<Record<string, unknown>> = {
  "POST /keys": { id: "mine", scopes: ["confirm"], trusted_approval_surface: true },
  "POST /plan": { action: "fs.write", parameters: WRITE },
  "POST /tools/{tool}": WRITE,
};

const TEXTS: readonly ((target: Target) => string)[] = [
  ({ task_id }) => task_id,
  ({ plan_digest }) => plan_digest,
  () => "approve",
];

function addressOf(
  { path, parameters = [] }: Operation,
  words: ReturnType<typeof wordsFor>,
  isAsked: (parameter: { readonly required?: boolean }) => boolean = () => true,
): string {
  const query = new URLSearchParams();
  let filled = path;
  for (const { in: place, name, schema } of parameters.filter(isAsked)) {
    const value = String(makeValue(schema, words, name));
    if (place === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(value));
    if (place === "query") query.set(name, value);
  }
  return query.size > 0 ? `${filled}?${query}` : filled;
}
