import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AuditRecord } from "../contract/audit.ts";
import { AuditVerification } from "./audit-verification.ts";
import { createSealer } from "./chain.ts";

const AUDIT_KEY = "an audit key of some length";
const seal = createSealer(AUDIT_KEY);

let folder: string;
let records: AuditRecord[];
let reads: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-verification-"));
  records = [];
  reads = 0;
  append(450);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function headOf() {
  const { seq, mac } = records.at(-1) ?? { seq: 0, mac: "" };
  return { seq, mac };
}

function append(count: number) {
  for (let index = 0; index < count; index++) {
    records.push(seal({ type: "task.planned", key_id: "a", time: "2026-01-01" }, headOf()));
  }
}

function open(onBroken = vi.fn()) {
  return new AuditVerification({
    log: {
      head: async () => headOf(),
      readFiled: async (after, limit) => {
        reads++;
        return records.filter(({ seq }) => seq > after).slice(0, limit);
      },
    },
    auditKey: AUDIT_KEY,
    headFile: join(folder, "head.json"),
    onBroken,
    onError: (error) => expect.fail(String(error)),
  });
}

describe("AuditVerification", () => {
  it("says that all is sound, up to the head, and does not look again at once", async () => {
    await using verification = open();
    const first = await verification.view();
    expect(first).toMatchObject({ ok: true, state: "sound", checked: 450, head: headOf() });
    const before = reads;
    append(1);
    expect(await verification.view()).toMatchObject({ checked: 450, head: { seq: 451 } });
    expect(reads).toBe(before);
  });

  it("I6 notices what is done to the log while it runs, once that is looked at again", async () => {
    const onBroken = vi.fn();
    await using verification = open(onBroken);
    expect((await verification.view()).ok).toBe(true);
    records[7] = { ...(records[7] as AuditRecord), key_id: "b" };
    const later = Date.now() + 60_000;
    vi.spyOn(Date, "now").mockReturnValue(later);
    await verification.view();
    await vi.waitFor(async () => {
      expect(await verification.view()).toMatchObject({
        ok: false,
        state: "broken",
        checked: 7,
        problem: { seq: 8, kind: "edited" },
      });
    });
    expect(onBroken).toHaveBeenCalledTimes(1);
  });

  it("does not call sound what has no record at all of its head", async () => {
    const head = headOf();
    records = records.slice(0, 100);
    await using cut = new AuditVerification({
      log: {
        head: async () => head,
        readFiled: async (after, limit) => records.filter(({ seq }) => seq > after).slice(0, limit),
      },
      auditKey: AUDIT_KEY,
      headFile: join(folder, "head.json"),
      onBroken: () => {},
      onError: () => {},
    });
    expect(await cut.view()).toMatchObject({ ok: false, problem: { kind: "truncated" } });
  });

  it("verifies only what is new of a long log, and that it follows on what was sound", async () => {
    await using verification = open();
    append(50_000);
    await vi.waitFor(async () => expect((await verification.view()).ok).toBe(true), 20_000);
    const before = reads;
    append(10);
    let now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now);
    now += 60_000;
    await verification.view();
    await vi.waitFor(async () => expect((await verification.view()).checked).toBe(50_460));
    expect(reads - before).toBeLessThan(5);
    const forged = { seq: 50_460, mac: `hmac-sha256:${"0".repeat(64)}` };
    records.push(seal({ type: "x", key_id: null, time: "" }, forged));
    now += 60_000;
    await verification.view();
    await vi.waitFor(async () => expect((await verification.view()).state).toBe("broken"));
  }, 30_000);
});
