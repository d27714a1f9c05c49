import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import type { CeremonyView, LinkView, SessionView } from "../../src/contract/people.ts";
import { browserPath, ConsoleBrowser } from "../support/console-browser.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, Person, printedLink } from "../support/people.ts";

const PASSWORD = "correct horse battery";

/** As after six minutes: every session that there is began earlier. */
async function passSixMinutes(gateway: Gateway): Promise<void> {
  await gateway.stop();
  const database = new DatabaseSync(join(gateway.dataDir, "gateway.db"));
  for (const at of ["started_at", "proven_at"]) {
    database
      .prepare(
        `UPDATE people_records SET body = json_set(body, '$.${at}', body ->> '$.${at}' - 360000)
         WHERE kind = 'session' AND body ->> '$.${at}' IS NOT NULL`,
      )
      .run();
  }
  database.close();
  await gateway.start();
}

async function assertion(person: Person) {
  const { body } = await person.call<CeremonyView>("POST", "/session/passkey/options", {});
  return { ceremony: body.ceremony, response: person.authenticator.get(body.options) };
}

const refused = { status: 403, body: { code: "scope_missing" } };

describe("what lets somebody in takes a sign-in of the last five minutes", () => {
  let gateway: Gateway;
  let olga: Person;
  let paul: Person;
  beforeAll(async () => {
    gateway = await startGateway();
    olga = await firstOperator(gateway);
    const { body } = await olga.call<LinkView>("POST", "/people", { role: "operator" });
    paul = new Person(gateway);
    await paul.enrol(body.url, "Paul", PASSWORD);
    await olga.call("POST", "/keys", { id: "old", scopes: ["read"] });
    await passSixMinutes(gateway);
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  const acts: readonly { method: string; target: string; body?: object }[] = [
    { method: "POST", target: "/people", body: { role: "operator" } },
    { method: "POST", target: "/people/paul/link" },
    { method: "POST", target: "/people/paul/vouch" },
    { method: "DELETE", target: "/people/paul" },
    { method: "DELETE", target: `/people/invitations/${"A".repeat(22)}` },
    { method: "POST", target: "/keys", body: { id: "new", scopes: ["confirm"] } },
    { method: "POST", target: "/keys/old/rotate", body: { overlap_minutes: 0 } },
    { method: "DELETE", target: "/keys/old" },
    { method: "POST", target: "/session/passkeys/options", body: {} },
    { method: "DELETE", target: `/session/passkeys/${"A".repeat(22)}` },
  ];
  test.each(acts)("$method $target", async ({ method, target, body }) => {
    const answer = await olga.call<{ hint: string }>(method, target, body);
    expect(answer).toMatchObject(refused);
    expect(answer.body.hint).toContain("/session/step-up");
  });

  test("looking does not", async () => {
    for (const target of ["/people", "/keys", "/session", "/session/passkeys"]) {
      expect((await olga.call("GET", target)).status).toBe(200);
    }
  });

  test("another's passkey, a wrong password, both or neither prove nothing", async () => {
    const step = (body: unknown) => olga.call("POST", "/session/step-up", body);
    const other = await firstOther();
    expect(await step({ assertion: await assertion(other) })).toMatchObject({
      status: 401,
      body: { code: "signature_invalid" },
    });
    expect((await step({ password: PASSWORD })).status).toBe(401);
    expect((await step({})).status).toBe(400);
    const both = { assertion: await assertion(olga), password: PASSWORD };
    expect((await step(both)).status).toBe(400);
    expect(await olga.call("POST", "/people", { role: "approver" })).toMatchObject(refused);
  });

  async function firstOther(): Promise<Person> {
    await paul.call("POST", "/session/step-up", { password: PASSWORD });
    return paul.invite("Other", "approver");
  }

  test("a passkey or password proves it within the session, which goes on, and for five minutes", async () => {
    const before = olga.cookie;
    const touched = await assertion(olga);
    const stepped = await olga.call<SessionView>("POST", "/session/step-up", {
      assertion: touched,
    });
    expect(stepped).toMatchObject({ status: 200, body: { person: { id: olga.id } } });
    expect(olga.cookie).toBe(before);
    expect((await olga.call("POST", "/people", { role: "approver" })).status).toBe(200);
    // It is used up.
    const again = await olga.call("POST", "/session/step-up", { assertion: touched });
    expect(again.status).toBe(401);
    const audit = await olga.call<AuditList>("GET", "/audit?type=session.stepped_up");
    expect(audit.body.records.map(({ key_id }) => key_id).toSorted()).toEqual([
      olga.keyId,
      paul.keyId,
    ]);
    await passSixMinutes(gateway);
    expect(await olga.call("POST", "/people", { role: "approver" })).toMatchObject(refused);
    expect(await paul.call("POST", "/people", { role: "approver" })).toMatchObject(refused);
  });
});

describe.runIf(browserPath)("the console asks for it and goes on (needs Chromium)", () => {
  test("with a passkey by itself, with a password in place", async () => {
    await using gateway = await startGateway();
    await using browser = await ConsoleBrowser.open();
    await using seat = await browser.sit(gateway);
    const { page } = seat;
    const link = printedLink(gateway);
    await seat.enrol("Olga Operator");
    await passSixMinutes(gateway);
    await seat.open("/console/operate/people");
    await page.getByRole("button", { name: "Invite" }).click();
    await page.getByRole("radio", { name: /operator/ }).click();
    await page.getByRole("button", { name: "Make the link" }).click();
    const invited = await page.getByLabel("Link", { exact: true }).inputValue();
    expect(new URL(invited).hash).not.toBe(new URL(link).hash);

    await using other = await browser.sit(gateway);
    await other.page.goto(`http://127.0.0.1:${gateway.port}/console${new URL(invited).hash}`);
    await other.page.getByLabel("Your name").fill("Paula Password");
    await other.page.getByLabel("Password, at least").fill(PASSWORD);
    await other.page.getByRole("button", { name: "Set the password" }).click();
    await other.page.getByRole("button", { name: "Go on" }).click();
    await other.page.getByRole("heading", { name: "Inbox" }).waitFor();
    await passSixMinutes(gateway);
    await other.page.goto(`http://127.0.0.1:${gateway.port}/console/operate/keys`);
    await other.page.getByRole("button", { name: "New key" }).click();
    await other.page.getByLabel(/^Id/).fill("made-late");
    await other.page.getByRole("button", { name: "Make it" }).click();
    await other.page.getByLabel("Your password").fill("wrong horse battery");
    await other.page.getByRole("button", { name: "Confirm that it is you" }).click();
    await other.page.getByText("do not match").waitFor();
    await other.page.getByLabel("Your password").fill(PASSWORD);
    await other.page.getByLabel("Your password").press("Enter");
    await other.page.getByText("The token of made-late").waitFor();
    expect([...seat.complaints, ...other.complaints]).toEqual([]);
  });
});
