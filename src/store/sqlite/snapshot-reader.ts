import type { SQLInputValue } from "node:sqlite";
import { Connection } from "./connection.ts";

/**
 * The connection that reads: it sees what is on disk. Taking and giving back SQLite's locks costs
 * more than a small query, so the reads of one turn of the event loop share one transaction. While
 * a commit is on its way to the disk the transaction from before it is held open, so that nobody is
 * shown what a crash could still take back.
 */
export class SnapshotReader extends Connection {
  #inSnapshot = false;
  #held = false;

  constructor(file: string) {
    super(file, { readOnly: true });
  }

  override all<Row extends object>(sql: string, ...values: SQLInputValue[]): Row[] {
    this.#begin();
    return super.all<Row>(sql, ...values);
  }

  override get<Row extends object>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    this.#begin();
    return super.get<Row>(sql, ...values);
  }

  override iterate<Row extends object>(sql: string, ...values: SQLInputValue[]): Iterable<Row> {
    this.#begin();
    return super.iterate<Row>(sql, ...values);
  }

  /** Keeps what is seen now in sight until `release`. */
  hold(): void {
    // A transaction sees the moment of its first read.
    this.get("SELECT 1 FROM sqlite_schema LIMIT 1");
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#endSnapshot();
  }

  #endSnapshot(): void {
    if (!this.#inSnapshot || this.#held) return;
    this.#inSnapshot = false;
    if (this.isTransaction) this.run("COMMIT");
  }

  override [Symbol.dispose](): void {
    this.#inSnapshot = false;
    super[Symbol.dispose]();
  }

  #begin(): void {
    if (this.#inSnapshot) return;
    this.run("BEGIN");
    this.#inSnapshot = true;
    setImmediate(() => this.#endSnapshot());
  }
}
