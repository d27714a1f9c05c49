import type { Capability } from "../capabilities/capability.ts";
import type { Parameters } from "../contract/task.ts";
import { canonicalJson, sha256 } from "../lib/canonical.ts";

/** Longer strings, in UTF-16 units, stand in the audit log as a digest. */
const MAX_LENGTH = 256;

/** Fields that carry content whatever their length. */
const CONTENT: ReadonlySet<string> = new Set(["content", "old_text", "new_text", "text", "base64"]);

/** A step's parameters for the audit log: masked, with digests in place of content. */
export function auditParameters(
  capability: Capability | undefined,
  parameters: Parameters,
): Parameters {
  const masked = capability === undefined ? parameters : capability.mask(parameters);
  // What masking hid must not come back as a digest that could be guessed at.
  return withoutContent(masked, parameters) as Parameters;
}

export function digestOf(value: unknown): string {
  return sha256(canonicalJson(value));
}

function withoutContent(value: unknown, original: unknown, field = ""): unknown {
  if (typeof value === "string") {
    const hidden = value !== original;
    if (hidden || (value.length <= MAX_LENGTH && !CONTENT.has(field))) return value;
    return { sha256: sha256(value).slice("sha256:".length), length: value.length };
  }
  if (Array.isArray(value)) {
    const originals = Array.isArray(original) ? original : [];
    return value.map((item, index) => withoutContent(item, originals[index], field));
  }
  if (value === null || typeof value !== "object") return value;
  const originals = (original ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      withoutContent(item, originals[name], name),
    ]),
  );
}
