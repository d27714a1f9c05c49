import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NewKeyView } from "../../src/contract/operate.ts";
import type { ExecuteView } from "../../src/contract/requests.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { plan } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, Person } from "../support/people.ts";

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
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

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
