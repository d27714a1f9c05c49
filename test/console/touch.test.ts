import { createHash, createPublicKey, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../src/capabilities/default-policy.ts";
import type { CeremonyView, SessionView } from "../../src/contract/people.ts";
import type { PlanView, TaskView } from "../../src/contract/task.ts";
import { type Answer, call } from "../support/call.ts";
import { approve, execute, plan, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";

interface Refusal {
  readonly code: string;
}

const WRITE = { path: "/tmp/touch.txt", content: "hello", mode: "overwrite" };
const policyWith = (passkey: string) => ({ ...DEFAULT_POLICY, confirmation: { passkey } });

let gateway: Gateway;
let olga: Person;
beforeAll(async () => {
  gateway = await startGateway({ policy: policyWith("medium") });
  olga = await firstOperator(gateway);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

async function challenge(
  person: Person,
  { task_id, plan_digest }: PlanView,
): Promise<CeremonyView> {
  const body = { task_id, plan_digest };
  const answer = await person.call<CeremonyView>("POST", "/confirm/challenge", body);
  expect(answer.status).toBe(200);
  return answer.body;
}

async function touch(person: Person, planned: PlanView) {
  const { ceremony, options } = await challenge(person, planned);
  return { ceremony, response: person.authenticator.get(options) };
}

function confirm(
  person: Person,
  { task_id, plan_digest }: PlanView,
  assertion?: unknown,
): Promise<Answer<TaskView & Refusal>> {
  const decision = { task_id, plan_digest, decision: "approve" };
  return person.call("POST", "/confirm", {
    ...decision,
    ...(assertion !== undefined && { assertion }),
  });
}

describe("where policy asks for a fresh touch", () => {
  test("the session says from which risk on", async () => {
    const { body } = await olga.call<SessionView>("GET", "/session");
    expect(body.fresh_passkey_from).toBe("medium");
  });

  test("a session alone approves nothing of that risk", async () => {
    const planned = await plan(gateway, "fs.write", WRITE);
    expect(await confirm(olga, planned)).toMatchObject({
      status: 403,
      body: { code: "scope_missing" },
    });
    expect((await task(gateway, planned.task_id)).status).toBe("planned");
  });

  test("what was approved with one runs, and the record proves it to anybody", async () => {
    const planned = await plan(gateway, "fs.write", WRITE);
    const approved = await confirm(olga, planned, await touch(olga, planned));
    expect(approved.status).toBe(200);
    expect(approved.body.approvals).toMatchObject([{ key_id: olga.keyId, touched: true }]);
    expect((await execute(gateway, planned.task_id)).status).toBe("completed");

    const { body } = await call<{ records: { type: string; details: { assertion: Proof } }[] }>(
      gateway,
      "GET",
      `/audit?task_id=${planned.task_id}`,
      undefined,
      gateway.keys.approver,
    );
    const record = body.records.find(({ type }) => type === "task.confirmed");
    expect(record).toBeDefined();
    const proof = record?.details.assertion as Proof;
    const clientData = Buffer.from(proof.client_data_json, "base64url");
    const { challenge: signed } = JSON.parse(clientData.toString());
    // What was signed names the plan.
    expect(Buffer.from(signed, "base64url").subarray(-32).toString("hex")).toBe(
      planned.plan_digest.slice("sha256:".length),
    );
    const message = Buffer.concat([
      Buffer.from(proof.authenticator_data, "base64url"),
      createHash("sha256").update(clientData).digest(),
    ]);
    const signature = Buffer.from(proof.signature, "base64url");
    expect(verify("sha256", message, keyOf(proof.public_key), signature)).toBe(true);
  });

  test("one touch is for one plan", async () => {
    const [one, two] = [
      await plan(gateway, "fs.write", WRITE),
      await plan(gateway, "fs.write", { ...WRITE, content: "other" }),
    ];
    const refused = await confirm(olga, two, await touch(olga, one));
    expect(refused).toMatchObject({ status: 401, body: { code: "signature_invalid" } });
    expect((await task(gateway, two.task_id)).approvals).toEqual([]);
  });

  test("one touch is for one decision", async () => {
    const planned = await plan(gateway, "fs.write", WRITE);
    const assertion = await touch(olga, planned);
    expect((await confirm(olga, planned, assertion)).status).toBe(200);
    const again = await confirm(olga, planned, assertion);
    expect(again.status).toBe(401);
  });

  test("another person's touch is not mine", async () => {
    const anna = await olga.invite("Anna", "approver");
    const planned = await plan(gateway, "fs.write", WRITE);
    const { ceremony, options } = await challenge(olga, planned);
    const theirs = { ceremony, response: anna.authenticator.get(options) };
    expect((await confirm(olga, planned, theirs)).body.code).toBe("signature_invalid");
    const mine = await touch(olga, planned);
    expect((await confirm(anna, planned, mine)).body.code).toBe("signature_invalid");
    expect((await task(gateway, planned.task_id)).approvals).toEqual([]);
  });

  test("a sign-in's answer is none, and neither signs in", async () => {
    const planned = await plan(gateway, "fs.write", WRITE);
    const signIn = await olga.call<CeremonyView>("POST", "/session/passkey/options", {});
    const { ceremony, options } = signIn.body;
    const answer = { ceremony, response: olga.authenticator.get(options) };
    expect((await confirm(olga, planned, answer)).status).toBe(401);
    const touched = await touch(olga, planned);
    expect((await olga.call("POST", "/session/passkey", touched)).status).toBe(401);
  });

  test("a challenge is for the plan that is there, and for people", async () => {
    const planned = await plan(gateway, "fs.write", WRITE);
    const { task_id, plan_digest } = planned;
    const wrong = { task_id, plan_digest: `sha256:${"0".repeat(64)}` };
    expect((await olga.call<Refusal>("POST", "/confirm/challenge", wrong)).body.code).toBe(
      "digest_mismatch",
    );
    for (const key of ["default", "approver"] as const) {
      const body = { task_id, plan_digest };
      const credentials = gateway.keys[key];
      const answer = await call(gateway, "POST", "/confirm/challenge", body, credentials);
      expect(answer.status).toBe(403);
    }
  });

  test("rejecting takes none, and keys sign each request anyway", async () => {
    const one = await plan(gateway, "fs.write", WRITE);
    const { task_id, plan_digest } = one;
    const rejection = { task_id, plan_digest, decision: "reject" };
    expect((await olga.call("POST", "/confirm", rejection)).status).toBe(200);
    await approve(gateway, await plan(gateway, "fs.write", WRITE));
  });

  test("I16 an approval without one does not run once policy asks for it", async () => {
    await using own = await startGateway({ policy: policyWith("high") });
    const person = await firstOperator(own);
    const planned = await plan(own, "fs.write", WRITE);
    expect((await confirm(person, planned)).status).toBe(200);
    own.writePolicy(policyWith("medium"));
    await own.logged(({ msg }) => msg === "policy reloaded");
    const refused = await call<Refusal>(own, "POST", "/execute", { task_id: planned.task_id });
    expect(refused).toMatchObject({ status: 409, body: { code: "state_changed" } });
  });
});

interface Proof {
  readonly client_data_json: string;
  readonly authenticator_data: string;
  readonly signature: string;
  readonly public_key: string;
}

/** The COSE key ends in -2: 32 bytes, -3: 32 bytes (RFC 9053, section 7.1.1). */
function keyOf(cose: string) {
  const bytes = Buffer.from(cose, "base64url");
  const x = bytes.subarray(-67, -35).toString("base64url");
  const y = bytes.subarray(-32).toString("base64url");
  return createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
}
