import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AuditRecord } from "../contract/audit.ts";
import type { AuditHead } from "./audit-store.ts";
import { createSealer } from "./chain.ts";
import { verifyChain } from "./verify-chain.ts";

const KEY = "the audit key of these tests";

describe("verifyChain", () => {
  it("accepts a chain as it was sealed, and every older head of it", async () => {
    const records = chain(10);
    const heads = records.map(({ seq, mac }) => ({ seq, mac }));
    expect(await verify(records, ...heads)).toEqual({
      ok: true,
      records: 10,
      head: heads.at(-1),
      chain: records[0]?.prev,
    });
    expect(await verify([])).toMatchObject({ ok: true, records: 0, head: { seq: 0 } });
  });

  it("finds an edited record, also the newest", async () => {
    for (const place of [1, 5, 10]) {
      const records = chain(10);
      change(records, place, (record) => ({ ...record, key_id: "somebody else" }));
      expect(await verify(records)).toMatchObject({ seq: place, problem: "edited" });
    }
  });

  it("finds records that were removed, in the middle and at the beginning", async () => {
    expect(await verify(chain(10).toSpliced(4, 2))).toMatchObject({
      seq: 5,
      problem: "removed",
      detail: "Records 5 to 6 are missing.",
    });
    expect(await verify(chain(10).slice(1))).toMatchObject({ seq: 1, problem: "removed" });
  });

  it("finds removed records where those behind were renumbered and linked anew", async () => {
    const records = chain(10).toSpliced(4, 1);
    relink(records, 4);
    expect(await verify(records)).toMatchObject({ ok: false, seq: 5, problem: "resealed" });
  });

  it("finds records in another order, renumbered or not", async () => {
    const moved = chain(10);
    moved.push(...moved.splice(3, 1));
    expect(await verify(moved)).toMatchObject({ seq: 4, problem: "removed" });
    const swapped = chain(10);
    [swapped[3], swapped[7]] = [swapped[7] as AuditRecord, swapped[3] as AuditRecord];
    relink(swapped, 3);
    expect(await verify(swapped)).toMatchObject({ seq: 4, problem: "reordered" });
    expect(await verify([...chain(3), ...chain(3)])).toMatchObject({
      seq: 4,
      problem: "reordered",
    });
  });

  it("finds a chain that was sealed anew with another key, whole or from some place on", async () => {
    expect(await verify(chain(5, "another key"))).toMatchObject({ seq: 1, problem: "resealed" });
    const records = chain(5);
    const seal = createSealer("another key");
    let head = headOf(records, 2);
    for (let index = 2; index < 5; index++) {
      const record = seal({ type: `new ${index}`, key_id: null, time: "now" }, head);
      records[index] = record;
      head = record;
    }
    expect(await verify(records)).toMatchObject({ seq: 3, problem: "resealed" });
  });

  it("finds a chain that ends before an exported head, or holds another record there", async () => {
    const records = chain(10);
    const head = headOf(records, 10);
    expect(await verify(records.slice(0, 7), head)).toMatchObject({ seq: 8, problem: "truncated" });
    expect(await verify([], head)).toMatchObject({ seq: 1, problem: "truncated" });
    expect(await verify(chain(12), head)).toMatchObject({ seq: 10, problem: "replaced" });
    const other = { seq: 10, mac: "hmac-sha256:0" };
    expect(await verify(records, head, other)).toMatchObject({ seq: 10, problem: "replaced" });
  });

  it("does not fail on what is no record at all", async () => {
    const records = chain(3);
    change(records, 2, (record) => ({ ...record, details: { broken: "\ud800", n: Number.NaN } }));
    expect(await verify(records)).toMatchObject({ seq: 2, problem: "edited" });
  });

  it("finds any change of any value in any record", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom<keyof AuditRecord>("type", "key_id", "time", "task_id", "prev", "mac"),
        fc.string(),
        async (place, field, value) => {
          const records = chain(6);
          fc.pre(records[place - 1]?.[field] !== value);
          change(records, place, (record) => ({ ...record, [field]: value }));
          const verdict = await verify(records);
          expect(verdict.ok).toBe(false);
          expect([place, place + 1]).toContain(verdict.ok ? 0 : verdict.seq);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("createSealer", () => {
  it("names every chain differently", () => {
    expect(chain(1)[0]?.prev).toMatch(/^bytebot-gateway-audit-v1:[\w-]{22}$/);
    expect(chain(1)[0]?.prev).not.toBe(chain(1)[0]?.prev);
  });

  it("refuses what JSON cannot carry", () => {
    const draft = { type: "t", key_id: null, time: "now", details: { text: "\ud800" } };
    expect(() => createSealer(KEY)(draft, { seq: 0, mac: "" })).toThrow();
  });
});

function verify(records: readonly AuditRecord[], ...heads: readonly AuditHead[]) {
  return verifyChain(stream(records), KEY, ...heads);
}

async function* stream(records: readonly AuditRecord[]): AsyncIterable<AuditRecord> {
  yield* records;
}

function chain(length: number, key = KEY): AuditRecord[] {
  const seal = createSealer(key);
  const records: AuditRecord[] = [];
  let head: AuditHead = { seq: 0, mac: "" };
  for (let n = 1; n <= length; n++) {
    const draft = { type: `type ${n}`, key_id: "k", time: "now", task_id: "t", details: { n } };
    const record = seal(draft, head);
    records.push(record);
    head = { seq: record.seq, mac: record.mac };
  }
  return records;
}

function change(
  records: AuditRecord[],
  place: number,
  edit: (record: AuditRecord) => AuditRecord,
): void {
  records[place - 1] = edit(records[place - 1] as AuditRecord);
}

/** Numbers and links records again, as a reader does that derives both from where they stand. */
function relink(records: AuditRecord[], from: number): void {
  for (let index = from; index < records.length; index++) {
    const prev = records[index - 1]?.mac ?? "";
    change(records, index + 1, (record) => ({ ...record, seq: index + 1, prev }));
  }
}

function headOf(records: readonly AuditRecord[], seq: number): AuditHead {
  return { seq, mac: records[seq - 1]?.mac ?? "" };
}
