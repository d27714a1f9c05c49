import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditList } from "../../src/contract/audit.ts";
import type { NewKeyView } from "../../src/contract/operate.ts";
import type { LinkView, PeopleList } from "../../src/contract/people.ts";
import type { ExecuteView } from "../../src/contract/requests.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { cli } from "../support/cli.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, Person, vouchOnHost } from "../support/people.ts";

/** Two approvals are two people's, however often and from wherever one of them clicks. */
const files = { enabled: true, risk_level: "medium", allowed_paths: ["/tmp"] };
const POLICY = {
  capabilities: { "fs.write": { ...files, approvals: 2 } },
};

let gateway: Gateway;
let olga: Person;
let bert: Person;
let count = 0;
beforeAll(async () => {
  gateway = await startGateway({ policy: POLICY });
  olga = await firstOperator(gateway);
  bert = await olga.invite("Bert", "approver");
  await vouch(bert);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

async function vouch(person: Person): Promise<void> {
  await vouchOnHost(person);
  // It is taken over by now.
  expect(await countsWith(person)).toEqual([]);
}

async function countsWith(person: Person): Promise<readonly string[] | undefined> {
  const { body } = await olga.call<PeopleList>("GET", "/people");
  return body.people.find(({ id }) => id === person.id)?.counts_as_one_with;
}

const write = () => plan(gateway, "fs.write", { path: `/tmp/two-${count++}`, content: "x" });
const approve = (person: Person, { task_id, plan_digest }: PlanView, more: object = {}) =>
  person.call<TaskView>("POST", "/confirm", { task_id, plan_digest, decision: "approve", ...more });

describe("two approvals", () => {
  test("I4 are not one person's, nor that person's on another device or in another's name", async () => {
    const planned = await write();
    expect(await approve(bert, planned)).toMatchObject({
      status: 200,
      body: { status: "planned" },
    });
    const elsewhere = new Person(gateway, bert.authenticator);
    await elsewhere.signIn();
    expect(elsewhere.cookie).not.toBe(bert.cookie);
    for (const [person, more] of [
      [bert, {}],
      [elsewhere, {}],
      [elsewhere, { on_behalf_of: "olga-operator" }],
    ] as const) {
      const again = await approve(person, planned, more);
      expect(again).toMatchObject({ status: 409, body: { code: "same_approver" } });
    }
    expect(await approve(olga, planned)).toMatchObject({ status: 200, body: { status: "ready" } });
    const late = await approve(olga, planned);
    expect(late).toMatchObject({ status: 409, body: { code: "already_decided" } });
  });

  test("I4 are not an operator's and those of a key whose secret the operator was told", async () => {
    const otto = await olga.invite("Otto", "operator");
    await vouch(otto);
    const key = async (id: string) => {
      const made = await olga.call<NewKeyView>("POST", "/keys", { id, scopes: ["confirm"] });
      return { keyId: id, token: made.body.token };
    };
    const first = await key("first");
    const second = await key("second");
    const approveBy = ({ task_id, plan_digest }: PlanView, token: string) =>
      call<TaskView>(
        gateway,
        "POST",
        "/confirm",
        { task_id, plan_digest, decision: "approve" },
        { token },
      );
    const refused = { status: 409, body: { code: "same_approver" } };

    const hers = await write();
    expect((await approve(olga, hers)).status).toBe(200);
    expect(await approveBy(hers, first.token)).toMatchObject(refused);
    const keys = await write();
    expect((await approveBy(keys, first.token)).status).toBe(200);
    expect(await approveBy(keys, second.token)).toMatchObject(refused);
    expect(await approve(olga, keys)).toMatchObject(refused);

    // Whoever rotates a key is told its token as well.
    const { body: rotated } = await otto.call<NewKeyView>("POST", "/keys/first/rotate", {
      overlap_minutes: 0,
    });
    const his = await write();
    expect((await approve(otto, his)).status).toBe(200);
    expect(await approveBy(his, rotated.token)).toMatchObject(refused);

    // A key of the configuration, and a person who was told neither.
    expect((await approve(bert, his)).body.status).toBe("ready");
    const third = await write();
    expect((await approveBy(third, second.token)).status).toBe(200);
    expect((await approve(otto, third)).body.status).toBe("ready");
  });

  describe("I4 are not an operator's and a second self's", () => {
    const refused = { status: 409, body: { code: "same_approver" } };
    const bothApprove = async (first: Person, second: Person) => {
      const planned = await write();
      expect((await approve(first, planned)).status).toBe(200);
      return approve(second, planned);
    };

    test("that was invited, or two that were", async () => {
      const self = await olga.invite("Second Self", "approver");
      const third = await olga.invite("Third Self", "approver");
      expect(await bothApprove(olga, self)).toMatchObject(refused);
      expect(await bothApprove(self, olga)).toMatchObject(refused);
      expect(await bothApprove(self, third)).toMatchObject(refused);
      expect(await countsWith(self)).toEqual(["host", olga.keyId].sort());
      expect((await bothApprove(self, bert)).body.status).toBe("ready");
    });

    test("that an invited operator invited, also once that one is removed", async () => {
      const between = await olga.invite("Between", "operator");
      const self = await between.invite("Self Of Between", "approver");
      const key = await between.call<NewKeyView>("POST", "/keys", {
        id: "of-between",
        scopes: ["confirm"],
      });
      await olga.call("DELETE", `/people/${between.id}`);
      expect(await bothApprove(olga, self)).toMatchObject(refused);
      const planned = await write();
      expect((await approve(olga, planned)).status).toBe(200);
      const { task_id, plan_digest } = planned;
      const decision = { task_id, plan_digest, decision: "approve" };
      const byKey = await call(gateway, "POST", "/confirm", decision, { token: key.body.token });
      expect(byKey).toMatchObject(refused);
      await gateway.restart();
      expect(await bothApprove(olga, self)).toMatchObject(refused);
    });

    test("that came through a link to give access again", async () => {
      const rita = await olga.invite("Rita", "approver");
      await vouch(rita);
      expect((await bothApprove(olga, rita)).body.status).toBe("ready");
      const link = await olga.call<LinkView>("POST", `/people/${rita.id}/link`);
      const again = new Person(gateway);
      await again.enrol(link.body.url);
      expect(again.id).toBe(rita.id);
      expect(await bothApprove(olga, again)).toMatchObject(refused);
    });

    test("that came through links of the host", async () => {
      const { stdout } = await cli(gateway, ["people", "link", "--role", "approver"]);
      const hosted = new Person(gateway);
      await hosted.enrol(stdout.trim(), "Hosted");
      expect(await bothApprove(olga, hosted)).toMatchObject(refused);
    });

    test("until an operator vouches who can be neither", async () => {
      const otis = await olga.invite("Otis", "operator");
      const puppet = await olga.invite("Puppet", "operator");
      const eva = await olga.invite("Eva", "approver");
      const vouchFor = (by: Person, whom: Person) => by.call("POST", `/people/${whom.id}/vouch`);
      for (const [by, whom] of [
        [olga, eva],
        [puppet, eva],
        [eva, eva],
        [olga, olga],
      ] as const) {
        const { status } = await vouchFor(by, whom);
        expect(status).toBe(by === eva ? 403 : 409);
      }
      expect(await bothApprove(olga, eva)).toMatchObject(refused);
      await vouch(otis);
      expect(await vouchFor(otis, eva)).toMatchObject({ status: 200, body: { vouched: eva.id } });
      expect((await bothApprove(olga, eva)).body.status).toBe("ready");
      expect(await vouchFor(otis, otis)).toMatchObject(refused);
      expect(await otis.call("POST", "/people/nobody-here/vouch")).toMatchObject({ status: 404 });
      const audit = await olga.call<AuditList>("GET", "/audit?type=person.vouched&text=eva");
      expect(audit.body.records).toMatchObject([
        { key_id: otis.keyId, details: { person: eva.id, told_to: [olga.keyId] } },
      ]);
    });

    test("of a database of before this was kept", async () => {
      const old = await olga.invite("Old Hand", "approver");
      await vouch(old);
      await gateway.stop();
      const database = new DatabaseSync(join(gateway.dataDir, "gateway.db"));
      database
        .prepare(
          "UPDATE people_records SET body = json_remove(body, '$.told_to') WHERE kind = 'person' AND id = ?",
        )
        .run(old.id);
      database.close();
      await gateway.start();
      expect(await bothApprove(olga, old)).toMatchObject(refused);
    });
  });

  test("I3 by two people at the same moment start one run", async () => {
    const planned = await write();
    const { task_id } = planned;
    const { body: waits } = await call<ExecuteView>(gateway, "POST", "/execute", { task_id });
    expect(waits.status).toBe("awaiting_confirmation");
    const both = [olga, bert, olga, bert].map((person) => approve(person, planned));
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 200, 409, 409]);
    const done = await call<ExecuteView>(gateway, "POST", "/execute?wait=20", { task_id });
    expect(done.body).toMatchObject({ status: "completed" });
    const { body } = await olga.call<TaskView>("GET", `/tasks/${task_id}`);
    expect(body.approvals.map(({ key_id }) => key_id).sort()).toEqual(
      [bert.keyId, olga.keyId].sort(),
    );
  });

  test("I15 of somebody who was removed meanwhile do not count", async () => {
    const carl = await olga.invite("Carl", "approver");
    await vouch(carl);
    const planned = await write();
    await approve(carl, planned);
    await olga.call("DELETE", `/people/${carl.id}`);
    const late = await approve(olga, planned);
    expect(late.status).toBeGreaterThanOrEqual(400);
    const { body } = await olga.call<TaskView>("GET", `/tasks/${planned.task_id}`);
    expect(body.status).toBe("cancelled");
  });

  test("are never a grant's, and such a plan offers none", async () => {
    const planned = await write();
    const { body } = await olga.call<TaskView>("GET", `/tasks/${planned.task_id}`);
    expect(body.grantable).toBeUndefined();
    const { task_id, plan_digest } = planned;
    const request = { task_id, plan_digest, minutes: 5, path_prefix: "/tmp" };
    expect((await olga.call("POST", "/grants", request)).status).toBe(400);
  });
});
