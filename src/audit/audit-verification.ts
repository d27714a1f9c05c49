import { setTimeout as sleep } from "node:timers/promises";
import type { VerificationView } from "../contract/operate.ts";
import type { AuditHead, AuditStore, ReadRecord } from "./audit-store.ts";
import { readHeadFile } from "./head-file.ts";
import { verifyChainAfter } from "./verify-chain.ts";

export interface AuditVerificationOptions {
  readonly log: Pick<AuditStore, "head"> & {
    /** Records after a seq, oldest first, marked where they are misfiled. */
    readFiled(after: number, limit: number): Promise<ReadRecord[]>;
  };
  readonly auditKey: string;
  /** Where the head is exported. */
  readonly headFile: string;
  readonly onBroken: (problem: Problem) => void;
  readonly onError: (error: unknown) => void;
}

type Problem = NonNullable<VerificationView["problem"]>;

/** Records read at a time, and the ms others have in between: about half of one core at most. */
const PAGE = 200;
const PAUSE_MS = 3;
/** What was found stays good so long. */
const FRESH_MS = 15_000;
/** A short log is always verified whole; a long one so often, and in between only what is new. */
const SHORT = 50_000;
const WHOLE_EVERY_MS = 24 * 3_600_000;
/** How long an answer waits for a verification, which for most logs is long enough. */
const PATIENCE_MS = 1000;

const START: AuditHead = { seq: 0, mac: "" };

/** Verifies the log beside all other work, when somebody asks and the last time is some time ago. */
export class AuditVerification implements AsyncDisposable {
  readonly #options: AuditVerificationOptions;
  readonly #end = new AbortController();
  #running: Promise<void> | undefined;
  /** Of the run that finished last. */
  #found: { at: number; checked: number; problem?: Problem } | undefined;
  /** Everything up to here was sound, and the whole log when. */
  #sound = START;
  #wholeAt = 0;
  #progress = 0;

  constructor(options: AuditVerificationOptions) {
    this.#options = options;
  }

  async view(): Promise<VerificationView> {
    const isFresh = this.#found !== undefined && Date.now() - this.#found.at < FRESH_MS;
    if (!isFresh) this.#begin();
    if (this.#running !== undefined && this.#found === undefined) {
      const patience = new AbortController();
      const over = sleep(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {});
      await Promise.race([this.#running, over]);
      patience.abort();
    }
    const { seq, mac } = await this.#options.log.head();
    const found = this.#found;
    const problem = found?.problem;
    return {
      ok: found !== undefined && problem === undefined,
      state: found === undefined ? "checking" : problem === undefined ? "sound" : "broken",
      checked: found?.checked ?? this.#progress,
      head: { seq, mac },
      ...(found !== undefined && { at: new Date(found.at).toISOString() }),
      ...(problem !== undefined && { problem }),
      running: this.#running !== undefined,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  #begin(): void {
    if (this.#end.signal.aborted) return;
    this.#running ??= this.#verify()
      .catch((error: unknown) => {
        if (!this.#end.signal.aborted) this.#options.onError(error);
      })
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #verify(): Promise<void> {
    const { auditKey, headFile, log } = this.#options;
    this.#progress = 0;
    let exported: AuditHead | undefined;
    try {
      // Before the head of the log, which must not be behind it.
      exported = await readHeadFile(headFile, auditKey);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#conclude(0, { seq: 0, kind: "head_file", detail });
      return;
    }
    const head = await log.head();
    const isWhole =
      this.#found?.problem !== undefined ||
      head.seq <= SHORT ||
      Date.now() - this.#wholeAt > WHOLE_EVERY_MS;
    const verdict = await verifyChainAfter(
      isWhole ? START : this.#sound,
      this.#read(isWhole ? 0 : this.#sound.seq, head.seq),
      auditKey,
      ...(exported === undefined ? [head] : [exported, head]),
    );
    this.#end.signal.throwIfAborted();
    if (verdict.ok) {
      this.#sound = verdict.head;
      if (isWhole) this.#wholeAt = Date.now();
      this.#conclude(verdict.records);
    } else {
      const { seq, problem: kind, detail, records } = verdict;
      this.#conclude(records, { seq, kind, detail });
    }
  }

  #conclude(checked: number, problem?: Problem): void {
    const before = this.#found?.problem;
    this.#found = { at: Date.now(), checked, ...(problem !== undefined && { problem }) };
    if (problem !== undefined && before?.detail !== problem.detail) this.#options.onBroken(problem);
  }

  async *#read(after: number, end: number): AsyncIterable<ReadRecord> {
    let cursor = after;
    while (cursor < end) {
      this.#end.signal.throwIfAborted();
      const limit = Math.min(PAGE, end - cursor);
      const records = await this.#options.log.readFiled(cursor, limit);
      if (records.length === 0) return;
      for (const record of records) {
        if (record.seq > end) return;
        yield record;
        cursor = record.seq;
        this.#progress = cursor;
      }
      await sleep(PAUSE_MS, undefined, { signal: this.#end.signal });
    }
  }
}
