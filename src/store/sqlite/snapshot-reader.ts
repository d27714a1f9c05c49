import type { SQLInputValue } from "node:sqlite";
import { Connection } from "./connection.ts";

/**
 * The connection that reads: it sees what is committed. Taking and giving back SQLite's locks costs
 * more than a small query, so the reads of one turn of the event loop share one transaction. It
 * ends before each commit, which therefore never hides what was just committed.
 */
export class SnapshotReader extends Connection {
  #inSnapshot = false;

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

  endSnapshot(): void {
    if (!this.#inSnapshot) return;
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
    setImmediate(() => this.endSnapshot());
  }
}
