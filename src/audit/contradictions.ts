import { readFile, rm } from "node:fs/promises";
import type { AuditDraft, AuditRecord } from "../contract/audit.ts";
import { type Acknowledgement, readAcknowledgement } from "./acknowledgement.ts";
import type { AuditHead, AuditStore } from "./audit-store.ts";

/** Types of the records that tell of it; `verifyChain` reads them. */
const CONTRADICTED = "audit.contradicted";
const ACKNOWLEDGED = "audit.acknowledged";

/** Not carried over by a restore, which puts another log in this one's place. */
const SETTING = "store.audit_contradiction";

/** The part of the store that remembers whether one is open. */
export interface ContradictionSettings {
  get(name: string): Promise<string | undefined>;
  set(
    name: string,
    value: string,
    records: { readonly events: readonly never[]; readonly audit: readonly AuditDraft[] },
  ): Promise<void>;
}

export interface ContradictionsOptions {
  readonly settings: ContradictionSettings;
  readonly store: Pick<AuditStore, "head" | "read">;
  /** Where an operator's acknowledgement is put down; see `acknowledgement.ts`. */
  readonly file: string;
  readonly auditKey: string;
  readonly onAcknowledged?: (by: string) => void;
  readonly onRefused?: (problem: string) => void;
}

export interface Contradiction {
  /** A sentence for the operator. */
  readonly detail: string;
  /** The head that was exported, where it could be read. */
  readonly exported?: AuditHead | undefined;
  /** The file that the head was kept as. */
  readonly kept_as: string;
}

interface Open {
  readonly detail: string;
  /** Its record stands behind this one. */
  readonly after: number;
}

/**
 * A log that contradicts the head exported from it stays contradicted, across restarts, until an
 * operator says on the host that they know of it. It stands in the log itself, so that cutting it
 * off is a new contradiction.
 */
export class Contradictions {
  readonly #options: ContradictionsOptions;
  #open: Open | undefined;
  #checking: Promise<void> | undefined;

  private constructor(options: ContradictionsOptions, open: Open | undefined) {
    this.#options = options;
    this.#open = open;
  }

  static async open(options: ContradictionsOptions): Promise<Contradictions> {
    const value = await options.settings.get(SETTING);
    const contradictions = new Contradictions(
      options,
      value ? (JSON.parse(value) as Open) : undefined,
    );
    await contradictions.check();
    return contradictions;
  }

  /** What is wrong; undefined where nothing is, or it was acknowledged. */
  get problem(): string | undefined {
    return this.#open?.detail;
  }

  /** Durable when it resolves. */
  async record({ detail, exported, kept_as }: Contradiction): Promise<void> {
    const { settings, store } = this.#options;
    const { seq: after } = await store.head();
    const open = { detail, after };
    await settings.set(SETTING, JSON.stringify(open), {
      events: [],
      audit: [
        {
          type: CONTRADICTED,
          key_id: null,
          time: new Date().toISOString(),
          details: { detail, ...(exported !== undefined && { exported }), kept_as },
        },
      ],
    });
    this.#open = open;
  }

  /** Takes up an acknowledgement that was put down on the host, if there is one. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(): Promise<void> {
    if (this.#open === undefined) return;
    const { file, auditKey, settings, onAcknowledged, onRefused } = this.#options;
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch {
      return;
    }
    const acknowledged = readAcknowledgement(text, auditKey);
    if (acknowledged === undefined || !(await this.#isOf(acknowledged, this.#open))) {
      onRefused?.(`${file} acknowledges nothing that is open; it was removed.`);
      await rm(file, { force: true });
      return;
    }
    const { seq, by, reason, time } = acknowledged;
    await settings.set(SETTING, "", {
      events: [],
      audit: [
        {
          type: ACKNOWLEDGED,
          key_id: null,
          time: new Date().toISOString(),
          details: { seq, by, at: time, ...(reason !== undefined && { reason }) },
        },
      ],
    });
    this.#open = undefined;
    await rm(file, { force: true });
    onAcknowledged?.(by);
  }

  /** Whether it names the record of this very contradiction: an old one does not count again. */
  async #isOf({ seq, mac }: Acknowledgement, { after }: Open): Promise<boolean> {
    if (seq <= after) return false;
    const [record] = await this.#options.store.read(seq - 1, 1);
    return record?.type === CONTRADICTED && record.seq === seq && record.mac === mac;
  }
}

/** What of the records of a log is not acknowledged yet, oldest first. */
export function openContradictions(
  open: readonly AuditRecord[],
  record: AuditRecord,
): readonly AuditRecord[] {
  if (record.type === CONTRADICTED) return [...open, record];
  if (record.type !== ACKNOWLEDGED) return open;
  return open.filter(({ seq }) => seq > Number(record.details?.seq));
}
