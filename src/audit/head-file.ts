import { readFile, rename } from "node:fs/promises";
import { canonicalJson } from "../lib/canonical.ts";
import { writeDurably } from "../lib/durable-file.ts";
import type { AuditHead, AuditStore } from "./audit-store.ts";
import { createAuditMac, isSameHead } from "./chain.ts";
import type { Contradiction } from "./contradictions.ts";

/** The name a head file has in DATA_DIR unless the operator keeps it elsewhere. */
export const HEAD_FILE_NAME = "audit-head.json";

const FORMAT = "bytebot-gateway-audit-head-v1";
const INTERVAL_MS = 10_000;

export interface AuditHeadFileOptions {
  readonly store: AuditStore;
  readonly file: string;
  readonly auditKey: string;
  readonly intervalMs?: number;
  /** After each export, for the log and the metrics. */
  readonly onExported?: (head: AuditHead) => void;
  /** What it held contradicts the log; awaited before anything else is exported. */
  readonly onContradiction?: (contradiction: Contradiction) => Promise<void>;
  /** It could not be written, or what it held contradicts the log. */
  readonly onProblem?: (problem: string, cause?: unknown) => void;
}

/**
 * Exports the newest record's place, so that a log cut short is noticed. After a crash the file may
 * lag behind: an older head is an ancestor. A file that the log contradicts is evidence and is
 * kept aside, never overwritten.
 */
export class AuditHeadFile implements AsyncDisposable {
  readonly #options: AuditHeadFileOptions;
  readonly #timer: NodeJS.Timeout;
  #exported: AuditHead | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: AuditHeadFileOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.write(), options.intervalMs ?? INTERVAL_MS).unref();
  }

  /** Checks what is there against the log, then exports. Rejects only where the log cannot be read. */
  static async open(options: AuditHeadFileOptions): Promise<AuditHeadFile> {
    const found = await findContradiction(options);
    if (found !== undefined) {
      const kept_as = `${options.file}.contradicted-${Date.now()}`;
      // Recorded first: after a crash in between it is found once more.
      await options.onContradiction?.({ ...found, kept_as });
      await rename(options.file, kept_as);
      options.onProblem?.(
        `${found.detail} The head file was kept as ${kept_as}; run audit verify.`,
      );
    }
    const file = new AuditHeadFile(options);
    await file.write();
    return file;
  }

  /** Exports now, if there is anything new. Never rejects: `onProblem` is told. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#export());
    return this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
  }

  async #export(): Promise<void> {
    const { store, file, auditKey, onExported, onProblem } = this.#options;
    try {
      const head = await store.head();
      if (head.seq === 0) return;
      if (this.#exported !== undefined && isSameHead(head, this.#exported)) return;
      await writeDurably(file, encode(head, auditKey));
      this.#exported = head;
      onExported?.(head);
    } catch (error) {
      onProblem?.("The audit head could not be exported.", error);
    }
  }
}

/** The head in a file; undefined where there is none. Throws where it does not carry this key's seal. */
export async function readHeadFile(file: string, auditKey: string): Promise<AuditHead | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const { seal, ...rest } = parse(text);
  if (seal !== createAuditMac(auditKey, "head")(canonicalJson(rest))) {
    throw new Error(`${file} does not carry the seal of this AUDIT_KEY.`);
  }
  return { seq: Number(rest.seq), mac: String(rest.mac) };
}

function encode(head: AuditHead, auditKey: string): string {
  const content = { format: FORMAT, seq: head.seq, mac: head.mac, time: new Date().toISOString() };
  const seal = createAuditMac(auditKey, "head")(canonicalJson(content));
  return `${JSON.stringify({ ...content, seal }, null, 2)}\n`;
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // A damaged file carries no seal either.
  }
  return {};
}

async function findContradiction(
  options: AuditHeadFileOptions,
): Promise<Omit<Contradiction, "kept_as"> | undefined> {
  const { store, file, auditKey } = options;
  let head: AuditHead | undefined;
  try {
    head = await readHeadFile(file, auditKey);
  } catch (error) {
    return { detail: error instanceof Error ? error.message : String(error) };
  }
  if (head === undefined || head.seq === 0) return undefined;
  const [record] = await store.read(head.seq - 1, 1);
  if (record?.mac === head.mac) return undefined;
  const detail =
    record === undefined
      ? `The audit log ends before record ${head.seq}, which was exported.`
      : `Record ${head.seq} of the audit log is not the one that was exported.`;
  return { detail, exported: head };
}
