import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { AuditDraft, AuditRecord } from "../contract/audit.ts";
import type { AuditStore } from "./audit-store.ts";
import { createSealer } from "./chain.ts";
import { AuditHeadFile, readHeadFile } from "./head-file.ts";
import { verifyAudit } from "./verify.ts";

const auditKey = "the audit key of these tests";

describe("AuditHeadFile", () => {
  it("exports the newest head, when it is opened, told to, and disposed", async () => {
    const { store, file } = setUp(2);
    const exported: number[] = [];
    const onExported = ({ seq }: { seq: number }) => exported.push(seq);
    {
      await using head = await AuditHeadFile.open({ store, file, auditKey, onExported });
      expect(await readHeadFile(file, auditKey)).toEqual(await store.head());
      expect(statSync(file).mode & 0o777).toBe(0o600);
      await store.append([draft]);
      await head.write();
      await head.write();
      await store.append([draft]);
    }
    expect(exported).toEqual([2, 3, 4]);
    expect(await readHeadFile(file, auditKey)).toEqual(await store.head());
    expect(readdirSync(join(file, ".."))).toEqual(["head.json"]);
  });

  it("exports by itself at intervals", async () => {
    const { store, file } = setUp(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    const onExported = ({ seq }: { seq: number }) => seq === 2 && resolve();
    const options = { store, file, auditKey, intervalMs: 5, onExported };
    await using _ = await AuditHeadFile.open(options);
    await store.append([draft]);
    await promise;
    expect((await readHeadFile(file, auditKey))?.seq).toBe(2);
  });

  it("writes nothing before the first record", async () => {
    const { store, file } = setUp(0);
    await (await AuditHeadFile.open({ store, file, auditKey }))[Symbol.asyncDispose]();
    expect(await readHeadFile(file, auditKey)).toBeUndefined();
  });

  it("takes an older head for what it is: an ancestor", async () => {
    const { store, file } = setUp(1);
    await (await AuditHeadFile.open({ store, file, auditKey }))[Symbol.asyncDispose]();
    await store.append([draft, draft]);
    const problems: string[] = [];
    const onProblem = (problem: string) => problems.push(problem);
    await (await AuditHeadFile.open({ store, file, auditKey, onProblem }))[Symbol.asyncDispose]();
    expect(problems).toEqual([]);
  });

  it.each([
    ["a shorter log", 1, /ends before record 3/],
    ["another log", 5, /Record 3 .* not the one/],
  ])("keeps a head aside that contradicts %s", async (_, length, message) => {
    const { store, file } = setUp(3);
    await (await AuditHeadFile.open({ store, file, auditKey }))[Symbol.asyncDispose]();
    const evidence = readFileSync(file, "utf8");
    const problems: string[] = [];
    const other = { ...setUp(length), file };
    await using head = await AuditHeadFile.open({
      ...other,
      auditKey,
      onProblem: (problem) => problems.push(problem),
    });
    await head.write();
    expect(problems).toEqual([expect.stringMatching(message)]);
    const aside = readdirSync(join(file, "..")).find((name) => name.includes("contradicted"));
    expect(readFileSync(join(file, "..", aside ?? ""), "utf8")).toBe(evidence);
    expect((await readHeadFile(file, auditKey))?.seq).toBe(length);
  });

  it("tells of what it cannot write, and does not reject", async () => {
    const { store, file } = setUp(1);
    const problems: unknown[] = [];
    const options = { store, file: join(file, "no-folder"), auditKey };
    const onProblem = (problem: string, cause: unknown) => problems.push(problem, cause);
    await (await AuditHeadFile.open({ ...options, onProblem }))[Symbol.asyncDispose]();
    expect(problems).toContain("The audit head could not be exported.");
  });
});

describe("verifyAudit", () => {
  it("checks the log against its exported head", async () => {
    const { store, records, file } = setUp(3);
    await (await AuditHeadFile.open({ store, file, auditKey }))[Symbol.asyncDispose]();
    const verify = (kept: readonly AuditRecord[], key = auditKey) =>
      verifyAudit({ read: () => stream(kept), headFile: file, auditKey: key });
    expect(await verify(records)).toMatchObject({ ok: true, records: 3, exported: { seq: 3 } });
    expect(await verify(records.slice(0, 2))).toMatchObject({ problem: "truncated", seq: 3 });
    expect(await verify(records, "another key")).toMatchObject({ problem: "head_file" });
  });

  it("holds a missing head file against nobody, an edited one it does", async () => {
    const { store, records, file } = setUp(3);
    const options = { read: () => stream(records), headFile: file, auditKey };
    expect(await verifyAudit(options)).toMatchObject({ ok: true, exported: undefined });
    await (await AuditHeadFile.open({ store, file, auditKey }))[Symbol.asyncDispose]();
    writeFileSync(file, readFileSync(file, "utf8").replace('"seq": 3', '"seq": 2'));
    expect(await verifyAudit(options)).toMatchObject({ ok: false, problem: "head_file" });
    writeFileSync(file, "no JSON");
    expect(await verifyAudit(options)).toMatchObject({ ok: false, problem: "head_file" });
  });

  it("checks a head that was noted elsewhere", async () => {
    const { records } = setUp(3);
    const head = { seq: 4, mac: "hmac-sha256:0" };
    const verdict = await verifyAudit({ read: () => stream(records), auditKey, head });
    expect(verdict).toMatchObject({ ok: false, problem: "truncated", seq: 4 });
  });
});

const draft: AuditDraft = { type: "t", key_id: null, time: "now" };

/** A log of this many records in memory, and where its head is exported to. */
function setUp(length: number): { store: AuditStore; records: AuditRecord[]; file: string } {
  const folder = mkdtempSync(join(tmpdir(), "gateway-audit-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const seal = createSealer(auditKey);
  const records: AuditRecord[] = [];
  const head = () => records.at(-1) ?? { seq: 0, mac: "" };
  const append = (drafts: readonly AuditDraft[]) => {
    for (const each of drafts) records.push(seal(each, head()));
  };
  append(Array.from({ length }, () => draft));
  const store: AuditStore = {
    append: async (drafts) => append(drafts),
    read: async (after, limit) => records.slice(after, after + limit),
    head: async () => ({ seq: head().seq, mac: head().mac }),
  };
  return { store, records, file: join(folder, "head.json") };
}

async function* stream(records: readonly AuditRecord[]): AsyncIterable<AuditRecord> {
  yield* records;
}
