import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import type { AuditRecord } from "../contract/audit.ts";
import { canonicalJson } from "../lib/canonical.ts";
import type { AuditHead, SealRecord } from "./audit-store.ts";

/** Where AUDIT_KEY is used for one thing only: a seal of one kind never passes for another. */
const PURPOSES = {
  record: "bytebot-gateway audit record v1",
  head: "bytebot-gateway audit head v1",
  acknowledgement: "bytebot-gateway audit acknowledgement v1",
} as const;

const CHAIN_NAME = "bytebot-gateway-audit-v1:";

export type AuditMac = (canonical: string) => string;

/** Computes `hmac-sha256:` and 64 hex digits with the key that AUDIT_KEY gives for a purpose. */
export function createAuditMac(auditKey: string, purpose: keyof typeof PURPOSES): AuditMac {
  const key: KeyObject = createSecretKey(
    createHmac("sha256", auditKey).update(PURPOSES[purpose]).digest(),
  );
  return (canonical) => `hmac-sha256:${createHmac("sha256", key).update(canonical).digest("hex")}`;
}

/**
 * Seals drafts onto a chain: `mac` is over the RFC 8785 form of the record without it, `prev` is
 * the mac before, and in the first record a random name, so that no piece of another chain under
 * the same key fits in. Throws on what JSON cannot carry.
 */
export function createSealer(auditKey: string): SealRecord {
  const mac = createAuditMac(auditKey, "record");
  return (draft, head) => {
    const { type, key_id, time, task_id, details } = draft;
    const unsealed: Omit<AuditRecord, "mac"> = {
      seq: head.seq + 1,
      time,
      type,
      key_id,
      ...(task_id !== undefined && { task_id }),
      ...(details !== undefined && { details }),
      prev: head.seq === 0 ? newChainName() : head.mac,
    };
    return { ...unsealed, mac: mac(canonicalJson(unsealed)) };
  };
}

/** Says whether a record carries the seal that this key gives. */
export function createSealCheck(auditKey: string): (record: AuditRecord) => boolean {
  const mac = createAuditMac(auditKey, "record");
  return (record) => {
    try {
      return mac(canonicalRecord(record)) === record.mac;
    } catch {
      // Not a JSON value: certainly not what was sealed.
      return false;
    }
  };
}

/** What a record's mac is over. */
export function canonicalRecord(record: AuditRecord): string {
  const { mac: _, ...unsealed } = record;
  return canonicalJson(unsealed);
}

export function isSameHead(a: AuditHead, b: AuditHead): boolean {
  return a.seq === b.seq && a.mac === b.mac;
}

function newChainName(): string {
  return CHAIN_NAME + randomBytes(16).toString("base64url");
}
