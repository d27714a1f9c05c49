import { chown, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { canonicalJson } from "../lib/canonical.ts";
import { writeDurably } from "../lib/durable-file.ts";
import { createAuditMac } from "./chain.ts";

/** The name it has in DATA_DIR until the gateway has taken it up. */
export const ACKNOWLEDGEMENT_FILE_NAME = "audit-acknowledged.json";

const FORMAT = "bytebot-gateway-audit-acknowledgement-v1";

/** An operator knows that the log contradicts its exported head. */
export interface Acknowledgement {
  /** The newest record that tells of a contradiction, and its seal. */
  readonly seq: number;
  readonly mac: string;
  /** The account on the host. */
  readonly by: string;
  readonly reason?: string | undefined;
  /** ISO 8601, UTC. */
  readonly time: string;
}

/**
 * Put down as a file, sealed with AUDIT_KEY, so that it works whether the gateway runs or not: only
 * the gateway writes its log.
 */
export async function writeAcknowledgement(
  file: string,
  { seq, mac, by, reason, time }: Acknowledgement,
  auditKey: string,
): Promise<void> {
  const content = { format: FORMAT, seq, mac, by, time, ...(reason !== undefined && { reason }) };
  const seal = createAuditMac(auditKey, "acknowledgement")(canonicalJson(content));
  await writeDurably(file, `${JSON.stringify({ ...content, seal }, null, 2)}\n`);
  // Made by root for a gateway that is not.
  const { uid, gid } = await stat(dirname(file));
  if (process.getuid?.() === 0) await chown(file, uid, gid);
}

/** Undefined where it does not carry this key's seal. */
export function readAcknowledgement(text: string, auditKey: string): Acknowledgement | undefined {
  try {
    const { seal, ...content } = JSON.parse(text) as Acknowledgement & {
      readonly seal: string;
      readonly format: string;
    };
    const isSealed = seal === createAuditMac(auditKey, "acknowledgement")(canonicalJson(content));
    return isSealed && content.format === FORMAT ? content : undefined;
  } catch {
    return undefined;
  }
}
