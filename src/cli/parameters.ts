import type { Parameters } from "../contract/task.ts";
import { JsonError, parseJson } from "../lib/json.ts";
import { nearest } from "../lib/nearest.ts";
import { CliError } from "./cli-error.ts";

/** As much of a JSON Schema as says how a word on the command line is meant. */
export interface ParameterSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly ParameterSchema[];
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
  readonly required?: readonly string[];
  readonly items?: ParameterSchema;
}

/** Bytes of the file a word names; `-` is standard input. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** `name=text`, `name:=json`; a dotted name reaches into an object: `coordinates.x=10`. */
const WORD = /^(?<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?<mark>:?=)(?<text>.*)$/s;

/**
 * Parameters of an action from `key=value` words, each read as the action's schema says: numbers,
 * booleans, an array's items one a word (`command=ls command=-l`). `key:=json` is JSON as it stands,
 * `key=@file` the file's content (`@-` standard input, `@@…` a text that starts with @); bytes that
 * are no text go as base64 where the action knows `encoding`. Without a schema every value is text,
 * for the gateway to refuse. Throws CliError `usage`.
 */
export async function parseParameters(
  action: string,
  words: readonly string[],
  schema: ParameterSchema | undefined,
  readFile: ReadFile,
): Promise<Parameters> {
  const parameters: Parameters = {};
  for (const word of words) {
    const { path, mark, text } = WORD.exec(word)?.groups ?? {};
    if (path === undefined || text === undefined) {
      throw new CliError(
        "usage",
        `${JSON.stringify(word)} is not key=value.`,
        "Write key=value, key:=json, or key=@file.",
      );
    }
    const names = path.split(".");
    const target = descend(parameters, names.slice(0, -1), path);
    const name = names.at(-1) ?? path;
    const expected = schema === undefined ? undefined : lookUp(action, schema, names, path);
    if (mark === ":=") setOnce(target, name, await readJson(path, text, readFile), path);
    else await setText(target, name, expected, text, { path, readFile, schema });
  }
  checkComplete(action, parameters, schema);
  return parameters;
}

async function setText(
  target: Parameters,
  name: string,
  expected: ParameterSchema | undefined,
  text: string,
  {
    path,
    readFile,
    schema,
  }: { path: string; readFile: ReadFile; schema?: ParameterSchema | undefined },
): Promise<void> {
  if (expected !== undefined && typesOf(expected).has("array")) {
    const items = Object.hasOwn(target, name) ? target[name] : [];
    if (!Array.isArray(items)) throw twice(path);
    target[name] = [...items, convert(literal(text), expected.items, path)];
    return;
  }
  const file = /^@(?!@)(?<file>.+)$/s.exec(text)?.groups?.file;
  if (file === undefined)
    return setOnce(target, name, convert(literal(text), expected, path), path);
  const bytes = await readFile(file);
  const content = textOf(bytes);
  if (content !== undefined) return setOnce(target, name, convert(content, expected, path), path);
  if (schema?.properties?.encoding === undefined || Object.hasOwn(target, "encoding")) {
    throw new CliError("usage", `${file} is not UTF-8 text, which ${path} takes.`);
  }
  setOnce(target, name, Buffer.from(bytes).toString("base64"), path);
  target.encoding = "base64";
}

function literal(text: string): string {
  return text.startsWith("@@") ? text.slice(1) : text;
}

/** A word's text as the type that is expected. */
function convert(text: string, schema: ParameterSchema | undefined, path: string): unknown {
  if (schema === undefined) return text;
  const types = typesOf(schema);
  if (types.has("boolean") && (text === "true" || text === "false")) return text === "true";
  if ((types.has("number") || types.has("integer")) && NUMBER.test(text)) return Number(text);
  if (types.size === 0 || types.has("string")) {
    const values = valuesOf(schema);
    if (values.length === 0 || values.includes(text)) return text;
    throw new CliError(
      "usage",
      `${path} cannot be ${JSON.stringify(text)}.`,
      `It is one of: ${values.join(", ")}.`,
    );
  }
  const wanted = [...types].map((type) => TYPE_NAMES[type] ?? type).join(" or ");
  throw new CliError(
    "usage",
    `${path} takes ${wanted}, not ${JSON.stringify(text)}.`,
    types.has("object") ? `Write ${path}.name=value, or ${path}:={"name": value}.` : undefined,
  );
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const TYPE_NAMES: Readonly<Record<string, string>> = {
  boolean: "true or false",
  number: "a number",
  integer: "a whole number",
  object: "an object",
  null: "null",
};

function typesOf(schema: ParameterSchema): Set<string> {
  const own = schema.type === undefined ? [] : [schema.type];
  const values = [...(schema.enum ?? []), ...("const" in schema ? [schema.const] : [])];
  return new Set([
    ...own,
    ...values.map((value) => typeof value),
    ...(schema.anyOf ?? []).flatMap((member) => [...typesOf(member)]),
  ]);
}

function valuesOf(schema: ParameterSchema): unknown[] {
  return [
    ...(schema.enum ?? []),
    ...("const" in schema ? [schema.const] : []),
    ...(schema.anyOf ?? []).flatMap(valuesOf),
  ];
}

/** The schema of a dotted name; throws where the action has no such parameter. */
function lookUp(
  action: string,
  schema: ParameterSchema,
  names: readonly string[],
  path: string,
): ParameterSchema {
  let found = schema;
  for (const name of names) {
    const properties = found.properties ?? {};
    const next = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (next === undefined) throw unknownParameter(action, path, Object.keys(properties), name);
    found = next;
  }
  return found;
}

function unknownParameter(action: string, path: string, known: string[], name: string): CliError {
  const [meant] = nearest(name, known);
  const has = known.length === 0 ? "It takes none." : `It takes: ${known.join(", ")}.`;
  return new CliError(
    "usage",
    `${action} has no parameter ${path}.`,
    meant === undefined ? has : `Did you mean ${meant}? ${has}`,
  );
}

function checkComplete(
  action: string,
  parameters: Parameters,
  schema: ParameterSchema | undefined,
): void {
  const missing = (schema?.required ?? []).filter((name) => !Object.hasOwn(parameters, name));
  if (missing.length === 0) return;
  throw new CliError(
    "usage",
    `${action} needs ${missing.join(" and ")}.`,
    `Write ${missing.map((name) => `${name}=…`).join(" ")}`,
  );
}

/** The object a dotted name's last part belongs into, made on the way. */
function descend(parameters: Parameters, names: readonly string[], path: string): Parameters {
  let target = parameters;
  for (const name of names) {
    if (!Object.hasOwn(target, name)) define(target, name, {});
    const next = target[name];
    if (typeof next !== "object" || next === null || Array.isArray(next)) throw twice(path);
    target = next as Parameters;
  }
  return target;
}

function setOnce(target: Parameters, name: string, value: unknown, path: string): void {
  if (Object.hasOwn(target, name)) throw twice(path);
  define(target, name, value);
}

/** An own property whatever its name: `__proto__` is for the gateway to refuse. */
function define(target: Parameters, name: string, value: unknown): void {
  Object.defineProperty(target, name, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function twice(path: string): CliError {
  return new CliError(
    "usage",
    `${path} is given twice.`,
    "Only an array takes several words; give an object by its parts or as JSON, not both.",
  );
}

async function readJson(path: string, text: string, readFile: ReadFile): Promise<unknown> {
  const file = text.startsWith("@") ? text.slice(1) : undefined;
  const bytes = file === undefined ? new TextEncoder().encode(text) : await readFile(file);
  try {
    return parseJson(bytes);
  } catch (error) {
    if (!(error instanceof JsonError) && !(error instanceof SyntaxError)) throw error;
    throw new CliError(
      "usage",
      `${path} is not JSON: ${error.message}.`,
      `A text in JSON has quotes: ${path}:='"text"'. Without the colon the text stands as it is.`,
      error,
    );
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
