import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditSearch } from "../../audit/audit-search.ts";
import { createSealer } from "../../audit/chain.ts";
import { verifyChain } from "../../audit/verify-chain.ts";
import type { AuditDraft, AuditRecord } from "../../contract/audit.ts";
import { openStore, type SqliteStore } from "./store.ts";

const AUDIT_KEY = "an audit key of some length";
const TYPES = [
  "task.planned",
  "task.rejected",
  "task.planned_not",
  "key.created",
  "gateway.started",
];
const KEYS = ["alice", "person:bob", null];
const NOTES = ["50% off", "a_b", "~", 'quote " and \\', "ÄÖ", "Needle", "needle", "line\nbreak"];
const DAY = "2026-03-01";
const COUNT = 2500;

let folder: string;
let store: SqliteStore;
let all: AuditRecord[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "audit-search-"));
  store = openStore({ file: join(folder, "gateway.db"), seal: createSealer(AUDIT_KEY) });
  await store.audit.append(
    Array.from(
      { length: COUNT },
      (_, index): AuditDraft => ({
        type: TYPES[(index * 7) % TYPES.length] ?? "",
        key_id: KEYS[index % KEYS.length] ?? null,
        time: new Date(Date.parse(`${DAY}T00:00:00Z`) + index * 1000).toISOString(),
        details: { note: NOTES[(index * 5) % NOTES.length], index },
      }),
    ),
  );
  all = await store.audit.read(0, COUNT);
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Every page, one after the other. */
async function searchAll(query: AuditSearch): Promise<AuditRecord[]> {
  const found: AuditRecord[] = [];
  let cursor = query.cursor;
  for (;;) {
    const page = await store.auditSearch.search({ ...query, ...(cursor && { cursor }) });
    expect(page.records.length).toBeLessThanOrEqual(query.limit);
    found.push(...page.records);
    if (page.next === undefined) return found;
    expect(page.next).not.toBe(cursor);
    cursor = page.next;
  }
}

describe("SqliteAuditSearch", () => {
  it("finds what a look at every record finds, in either order, page by page", async () => {
    const moment = fc
      .integer({ min: -10, max: COUNT + 10 })
      .map((seconds) => new Date(Date.parse(`${DAY}T00:00:00Z`) + seconds * 1000).toISOString());
    const query = fc.record(
      {
        order: fc.constantFrom("oldest" as const, "newest" as const),
        limit: fc.constantFrom(1000, 1, 7, 333),
        type: fc.constantFrom(...TYPES, "task.*", "key.*", "gateway.*", "nothing.at_all"),
        keyId: fc.constantFrom("alice", "person:bob", null, "nobody"),
        from: moment,
        to: moment,
        text: fc.constantFrom(...NOTES, "%", "_", '"', "\\", "NEEDLE", "nothing of this"),
        cursor: fc.integer({ min: 1, max: COUNT }),
      },
      { requiredKeys: ["order", "limit"] },
    );
    await fc.assert(
      fc.asyncProperty(query, async (given) => {
        // A walk of one record a page over the whole log takes long.
        const asked = given.limit === 1 ? { ...given, limit: 50 } : given;
        const { order, cursor, type, keyId, from, to, text } = asked;
        const family = type?.endsWith(".*") ? type.slice(0, -1) : undefined;
        const written = text && JSON.stringify(text).slice(1, -1);
        const ascii = (value: string) => value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
        const expected = all.filter((record) => {
          const { seq: _, mac: __, prev: ___, ...body } = record;
          return (
            (cursor === undefined ||
              (order === "oldest" ? record.seq > cursor : record.seq < cursor)) &&
            (type === undefined ||
              (family === undefined ? record.type === type : record.type.startsWith(family))) &&
            (keyId === undefined || record.key_id === keyId) &&
            (from === undefined || record.time >= from) &&
            (to === undefined || record.time < to) &&
            (written === undefined || ascii(JSON.stringify(body)).includes(ascii(written)))
          );
        });
        if (order === "newest") expected.reverse();
        const found = await searchAll(asked as AuditSearch);
        expect(found.map(({ seq }) => seq)).toEqual(expected.map(({ seq }) => seq));
        expect(found).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it("gives a log that can be verified, and the records of a task that is not there", async () => {
    async function* read() {
      yield* await searchAll({ order: "oldest", limit: 300 });
    }
    expect(await verifyChain(read(), AUDIT_KEY)).toMatchObject({ ok: true, records: COUNT });
    const ofNone = { order: "newest", limit: 10, taskId: `task_${"A".repeat(22)}` } as const;
    expect(await searchAll(ofNone)).toEqual([]);
  });

  it("I10 uses an index for what is rare, and none of its walks sorts", () => {
    using database = new DatabaseSync(join(folder, "gateway.db"), { readOnly: true });
    const plan = (sql: string) =>
      database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map((row) => String(row.detail))
        .join("; ");
    expect(
      plan(
        "SELECT seq, body FROM audit WHERE task IS NULL AND seq BETWEEN 1 AND 9 ORDER BY seq DESC LIMIT 5",
      ),
    ).toMatch(/audit_of_service/);
    expect(
      plan("SELECT seq, body FROM audit WHERE seq BETWEEN 1 AND 9 ORDER BY seq DESC"),
    ).not.toMatch(/TEMP B-TREE|SCAN/);
  });
});
