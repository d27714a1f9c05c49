import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LinkView } from "../../src/contract/people.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, Person, tokenOf } from "../support/people.ts";

let gateway: Gateway;
let olga: Person;
beforeAll(async () => {
  gateway = await startGateway();
  olga = await firstOperator(gateway);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

async function hostLink(...words: string[]): Promise<string> {
  const { exit, stdout, stderr } = await cli(gateway, ["people", "link", ...words]);
  expect(stderr).toContain("Opens once");
  expect(exit).toBe(0);
  return stdout.trim();
}

async function auditTypes(): Promise<{ type: string; details?: Record<string, unknown> }[]> {
  const { body } = await call<{ records: { type: string; details?: Record<string, unknown> }[] }>(
    gateway,
    "GET",
    "/audit?limit=1000",
    undefined,
    gateway.keys.approver,
  );
  return body.records;
}

describe("people link, on the host", () => {
  test("gives a person access again while the gateway runs; the old ways in are gone", async () => {
    const { task_id, plan_digest } = await plan(gateway, "fs.write", {
      path: "/tmp/recovery.txt",
      content: "hello",
    });
    const decision = { task_id, plan_digest, decision: "approve" };
    expect((await olga.call<TaskView>("POST", "/confirm", decision)).body.status).toBe("ready");
    const url = await hostLink(olga.id);
    // Nothing ends before somebody opens it and enrols.
    expect((await olga.call("GET", "/session")).status).toBe(200);

    const again = new Person(gateway);
    const opened = await again.open(url.replace(/^.*console/, `${gateway.url}/console`));
    expect(opened).toMatchObject({ purpose: "recovery", person: { id: olga.id } });
    const options = await again.call<Record<string, unknown>>("POST", "/session/enrol/options", {
      enrolment: opened.enrolment,
    });
    const passkey = again.authenticator.create(options.body);
    const enrolled = await again.call("POST", "/session/enrol", {
      enrolment: opened.enrolment,
      passkey,
    });
    expect(enrolled.body).toMatchObject({ person: { id: olga.id, role: "operator" }, passkeys: 1 });

    expect((await olga.call("GET", "/session")).status).toBe(401);
    await expect(olga.signIn()).rejects.toThrow("signature_invalid");
    // I15: what was approved with the old credentials is void.
    const executed = await call<{ code: string }>(gateway, "POST", "/execute", { task_id });
    expect(executed.body.code).toBe("task_cancelled");
    const types = (await auditTypes()).map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining(["person.recovery_made", "link.opened", "person.recovered"]),
    );
    expect(
      (await new Person(gateway).call("POST", "/session/link", { token: tokenOf(url) })).status,
    ).toBe(401);
    olga = again;
    expect(await olga.signIn()).toMatchObject({ person: { id: "olga-operator" } });
  });

  test("lets a new operator in who is made while it does not run", async () => {
    await gateway.stop();
    const url = await hostLink("--name", "Rita Root");
    const listed = await cli(gateway, ["people", "list", "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      people: [{ id: "olga-operator", role: "operator", passkeys: 1, has_password: false }],
    });
    await gateway.start();
    const rita = new Person(gateway);
    expect((await rita.enrol(url)).person).toEqual({
      id: "rita-root",
      name: "Rita Root",
      role: "operator",
    });
    const made = (await auditTypes()).find(
      ({ type, details }) => type === "person.invited" && details?.name === "Rita Root",
    );
    expect(made?.details).toMatchObject({ by: "host" });
    expect(JSON.stringify(await auditTypes())).not.toContain(tokenOf(url));
  });

  test("leads to PUBLIC_URL, else to localhost", async () => {
    expect(await hostLink()).toMatch(/^http:\/\/localhost:\d+\/console#link=[\w-]{43}$/);
    const { stdout } = await cli(gateway, ["people", "link", "--json"], {
      env: { PUBLIC_URL: "https://gateway.example/base" },
    });
    const { url } = JSON.parse(stdout) as LinkView;
    expect(url).toMatch(/^https:\/\/gateway\.example\/base\/console#link=/);
  });

  test.each([
    ["nobody", "There is nobody"],
    ["\u202e", "There is nobody"],
  ])("says that there is no %j", async (id, words) => {
    const { exit, stderr } = await cli(gateway, ["people", "link", id]);
    expect(exit).toBe(2);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain("\u202e");
  });

  test("does without a gateway's folder what it can: it says so", async () => {
    const nowhere = join(gateway.directory, "nowhere");
    const { exit, stderr } = await cli(gateway, ["people", "link", "--data-dir", nowhere]);
    expect(exit).toBe(2);
    expect(stderr).toContain("no database");
    expect(existsSync(nowhere)).toBe(false);
  });

  test("what else lies in its folder lets nobody in, and does not stay", async () => {
    const folder = join(gateway.dataDir, "links");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "junk.json"), "{");
    writeFileSync(join(folder, "large.json"), "x".repeat(100_000));
    writeFileSync(join(folder, "wrong.json"), JSON.stringify({ purpose: "first_operator" }));
    symlinkSync("/etc/passwd", join(folder, "link.json"));
    mkdirSync(join(folder, "folder.json"));
    const token = "A".repeat(43);
    const answer = await new Person(gateway).call("POST", "/session/link", { token });
    expect(answer.status).toBe(401);
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync("/etc/passwd")).toBe(true);
  });
});
