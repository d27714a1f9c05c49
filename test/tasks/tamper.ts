import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { canonicalJson, sha256 } from "../../src/lib/canonical.ts";
import type { Gateway } from "../support/gateway.ts";

/** What somebody does who can write the database, and does not have AUDIT_KEY. */
export interface TamperedPlan {
  steps: { action: string; parameters: Record<string, unknown> }[];
  [field: string]: unknown;
}

export interface TamperedState {
  status: string;
  approvals: Record<string, unknown>[];
  [field: string]: unknown;
}

/** As they are stored. */
const STATUS_CODES = ["planned", "awaiting_confirmation", "ready", "queued", "running"];

export function inDatabase<T>(gateway: Gateway, work: (db: DatabaseSync) => T): T {
  using db = new DatabaseSync(join(gateway.dataDir, "gateway.db"), { timeout: 5000 });
  return work(db);
}

/** Runs a statement whose one placeholder is the place of the task. */
export function runOnTask(gateway: Gateway, taskId: string, sql: string): void {
  inDatabase(gateway, (db) => db.prepare(sql).run(seqOf(db, taskId)));
}

/** Gives the digest that the changed plan would have. */
export function changePlan(
  gateway: Gateway,
  taskId: string,
  change: (plan: TamperedPlan) => void,
): string {
  return inDatabase(gateway, (db) => {
    const seq = seqOf(db, taskId);
    const text = String(db.prepare("SELECT plan FROM plans WHERE seq = ?").get(seq)?.plan);
    const plan = JSON.parse(text) as TamperedPlan;
    change(plan);
    const changed = canonicalJson(plan);
    db.prepare("UPDATE plans SET plan = ? WHERE seq = ?").run(changed, seq);
    return sha256(changed);
  });
}

export function setDigest(gateway: Gateway, taskId: string, digest: string): void {
  inDatabase(gateway, (db) => {
    db.prepare("UPDATE plans SET digest = ? WHERE seq = ?").run(digest, seqOf(db, taskId));
  });
}

export function changeState(
  gateway: Gateway,
  taskId: string,
  change: (state: TamperedState) => void,
): void {
  inDatabase(gateway, (db) => {
    const text = String(db.prepare("SELECT state FROM tasks WHERE id = ?").get(taskId)?.state);
    const state = JSON.parse(text) as TamperedState;
    change(state);
    db.prepare("UPDATE tasks SET state = ?, status = ? WHERE id = ?").run(
      JSON.stringify(state),
      STATUS_CODES.indexOf(state.status),
      taskId,
    );
  });
}

export function approvalsOf(gateway: Gateway, taskId: string): Record<string, unknown>[] {
  return inDatabase(gateway, (db) => {
    const row = db.prepare("SELECT state FROM tasks WHERE id = ?").get(taskId);
    return (JSON.parse(String(row?.state)) as TamperedState).approvals;
  });
}

function seqOf(db: DatabaseSync, taskId: string): number {
  return Number(db.prepare("SELECT seq FROM tasks WHERE id = ?").get(taskId)?.seq);
}
