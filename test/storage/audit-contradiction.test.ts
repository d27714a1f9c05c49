import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import type { VerificationView } from "../../src/contract/operate.ts";
import type { ReadyView } from "../../src/contract/service.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";

/** A gateway whose log was cut at its end while it was down, and which runs again. */
async function startCut(): Promise<Gateway> {
  const gateway = await startGateway();
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  for (const name of ["a", "b", "c"]) await plan(gateway, "fs.read", { path: `/tmp/${name}` });
  await gateway.stop();
  cut(gateway);
  await gateway.start();
  return gateway;
}

function cut(gateway: Gateway): void {
  using database = new DatabaseSync(join(gateway.dataDir, "gateway.db"));
  database.exec("DELETE FROM audit WHERE seq > (SELECT max(seq) FROM audit) - 2");
}

async function ready(gateway: Gateway) {
  const { status, body } = await call<ReadyView>(gateway, "GET", "/ready", undefined, {});
  return { status, audit: body.parts.audit };
}

async function verify(gateway: Gateway) {
  const { exit, stdout } = await cli(gateway, ["audit", "verify", "--json"]);
  return { exit, verdict: JSON.parse(stdout) };
}

const acknowledge = (gateway: Gateway) =>
  cli(gateway, ["audit", "acknowledge", "--reason", "the disk was restored by hand"]);

async function recordsOf(gateway: Gateway, type: string) {
  const target = `/audit?type=${type}`;
  return (await call<AuditList>(gateway, "GET", target, undefined, gateway.keys.approver)).body
    .records;
}

async function expectContradicted(gateway: Gateway): Promise<void> {
  expect(await ready(gateway)).toMatchObject({
    status: 503,
    audit: {
      ok: false,
      detail: expect.stringMatching(/ends before record \d+, which was exported/),
    },
  });
  expect(await verify(gateway)).toMatchObject({ exit: 1, verdict: { problem: "contradicted" } });
}

async function expectSound(gateway: Gateway): Promise<void> {
  expect((await ready(gateway)).audit).toEqual({ ok: true });
  expect(await verify(gateway)).toMatchObject({ exit: 0, verdict: { ok: true } });
}

describe("I19 a log that was cut at its end", () => {
  test("stays contradicted across restarts until it is acknowledged on the host", async () => {
    const gateway = await startCut();
    await expectContradicted(gateway);
    const [record, ...more] = await recordsOf(gateway, "audit.contradicted");
    expect(record).toMatchObject({
      key_id: null,
      details: { exported: { seq: expect.any(Number) } },
    });
    expect(more).toEqual([]);
    const target = "/audit/verification";
    const shown = await call<VerificationView>(
      gateway,
      "GET",
      target,
      undefined,
      gateway.keys.approver,
    );
    expect(shown.body).toMatchObject({ ok: false, problem: { kind: "contradicted" } });

    await gateway.restart();
    await gateway.restart();
    await expectContradicted(gateway);
    expect(await recordsOf(gateway, "audit.contradicted")).toHaveLength(1);

    expect(await acknowledge(gateway)).toMatchObject({ exit: 0 });
    // Taken up by the question itself.
    await expectSound(gateway);
    expect(await recordsOf(gateway, "audit.acknowledged")).toMatchObject([
      { key_id: null, details: { seq: record?.seq, reason: "the disk was restored by hand" } },
    ]);
    await gateway.restart();
    await expectSound(gateway);
    const again = await acknowledge(gateway);
    expect(again).toMatchObject({ exit: 0 });
    expect(again.stderr).toContain("nothing to acknowledge");
  });

  test("may be acknowledged while the gateway is down, and is contradicted by the next cut", async () => {
    const gateway = await startCut();
    await gateway.stop();
    expect(await acknowledge(gateway)).toMatchObject({ exit: 0 });
    await gateway.start();
    await expectSound(gateway);

    await gateway.stop();
    cut(gateway);
    // What no start has found yet cannot be waved through.
    const early = await acknowledge(gateway);
    expect(early.exit).toBe(1);
    expect(early.stderr).toContain("truncated");
    await gateway.start();
    await expectContradicted(gateway);
  });

  test("is not made good by cutting off the record that tells of it", async () => {
    const gateway = await startCut();
    await gateway.stop();
    cut(gateway);
    cut(gateway);
    await gateway.start();
    await expectContradicted(gateway);
  });
});
