import type { IncomingMessage } from "node:http";

export type Fields = Record<string, unknown>;

export class BodyError extends Error {
  override name = "BodyError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const LIMIT = 50 * 1024 * 1024;
const FORM = "application/x-www-form-urlencoded";

/** Reads a JSON body, or a form, which ByteBot takes as well. An empty one gives `{}`. */
export async function readBody(request: IncomingMessage): Promise<Fields> {
  const text = (await readBytes(request)).toString();
  if (text === "") return {};
  if (request.headers["content-type"]?.startsWith(FORM)) return parseForm(text);
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : {};
  } catch (error) {
    throw new BodyError(400, error instanceof Error ? error.message : "not JSON");
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Read to its end even if it is too large: an answer in the middle would reach nobody.
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= LIMIT) chunks.push(chunk);
  }
  if (size > LIMIT) throw new BodyError(413, "request entity too large");
  return Buffer.concat(chunks);
}

/** `a=1&point[x]=2&keys[]=c`: numbers become numbers. */
function parseForm(text: string): Fields {
  const fields: Fields = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const [, key = name, inner] = /^([^[]+)\[(\w*)\]$/.exec(name) ?? [];
    const read = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    if (inner === undefined) fields[key] = read;
    else if (inner === "") fields[key] = [...listOf(fields[key]), value];
    else fields[key] = { ...(isFields(fields[key]) ? fields[key] : {}), [inner]: read };
  }
  return fields;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
