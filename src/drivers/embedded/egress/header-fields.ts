import { DESKTOP_FIELD } from "../../../contract/desktop-mark.ts";

/** Fields that belong to one connection (RFC 9110, section 7.6.1), and what is for a proxy alone. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Rewritten for the way on. `expect` has been answered by then. */
const REPLACED = new Set(["host", "expect", DESKTOP_FIELD.toLowerCase()]);

export type Fields = readonly (readonly [name: string, value: string])[];

/** Node's flat list of names and values as pairs. */
export function fieldsOf(rawHeaders: readonly string[]): Fields {
  const fields: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    fields.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  }
  return fields;
}

/** What of a message's fields is passed on: all but those of its connection. */
export function endToEnd(fields: Fields): Fields {
  const named = fields
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.toLowerCase().split(","))
    .map((name) => name.trim());
  // A body must not lose its length because a peer calls it a matter of the connection.
  const dropped = new Set([...HOP_BY_HOP, ...named.filter((name) => name !== "content-length")]);
  return fields.filter(([name]) => !dropped.has(name.toLowerCase()));
}

/**
 * A request's fields for the server at `host`, whatever Host field it came with, and the mark by which
 * a gateway tells where it was made.
 */
export function requestFields(rawHeaders: readonly string[], host: string): Fields {
  const kept = endToEnd(fieldsOf(rawHeaders)).filter(([name]) => !REPLACED.has(name.toLowerCase()));
  return [["Host", host], ...kept, [DESKTOP_FIELD, "embedded"]];
}
