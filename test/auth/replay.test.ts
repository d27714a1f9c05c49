import { expect, test } from "vitest";
import type { TaskList } from "../../src/contract/requests.ts";
import { authHeaders, call } from "../support/call.ts";
import { type Credentials, type Gateway, startGateway } from "../support/gateway.ts";

const WAIT = '{"action":"wait","parameters":{"duration_ms":1}}';

test("I9 the same signed request 100 times in parallel is accepted once", async () => {
  await using gateway = await startGateway();
  const send = signedPlan(gateway, gateway.keys.default);
  const answers = await Promise.all(Array.from({ length: 100 }, () => send()));
  const codes = answers.map(({ status, body }) => (status === 200 ? 200 : body.code)).sort();
  expect(codes).toEqual([200, ...Array.from({ length: 99 }, () => "signature_replayed")]);
  const { body } = await call<TaskList>(gateway, "GET", "/tasks");
  expect(body.tasks).toHaveLength(1);
});

test("I9 also after a restart and after a kill", async () => {
  await using gateway = await startGateway();
  const sends = [
    signedPlan(gateway, gateway.keys.default),
    signedGet(gateway, gateway.keys.approver),
  ];
  for (const send of sends) expect((await send()).status).toBe(200);
  await gateway.restart();
  for (const send of sends) {
    expect(await send()).toMatchObject({ status: 401, body: { code: "signature_replayed" } });
  }
  const fresh = signedPlan(gateway, gateway.keys.default);
  expect((await fresh()).status).toBe(200);
  await gateway.kill();
  await gateway.start();
  for (const send of [...sends, fresh]) {
    expect(await send()).toMatchObject({ status: 401, body: { code: "signature_replayed" } });
  }
});

test("I9 also in other spellings of its base64", async () => {
  await using gateway = await startGateway();
  const send = signedPlan(gateway, gateway.keys.default);
  expect((await send()).status).toBe(200);
  for (const spell of SPELLINGS) {
    const answer = await send(spell);
    expect(answer.status).toBe(401);
    expect(["signature_replayed", "signature_invalid"]).toContain(answer.body.code);
  }
  // And a spelling that is used first leaves nothing to the usual one.
  for (const spell of SPELLINGS) {
    const again = signedPlan(gateway, gateway.keys.default);
    const statuses = [(await again(spell)).status, (await again()).status];
    expect(statuses.toSorted()).toEqual([200, 401]);
    expect((await again()).body.code).toBe("signature_replayed");
  }
});

test("I9 a refused request uses its signature up as well", async () => {
  await using gateway = await startGateway();
  const { approver } = gateway.keys;
  const send = signedPlan(gateway, approver);
  expect(await send()).toMatchObject({ status: 403, body: { code: "scope_missing" } });
  expect(await send()).toMatchObject({ status: 401, body: { code: "signature_replayed" } });
});

test("two keys may sign at the same moment", async () => {
  await using gateway = await startGateway({
    clients: [{ id: "other", scopes: ["plan", "read"] }],
  });
  const at = Date.now();
  for (const key of [gateway.keys.default, gateway.keys.other ?? {}]) {
    const headers = authHeaders(key, "POST", "/plan", WAIT, at);
    expect((await call(gateway, "POST", "/plan", WAIT, {}, headers)).status).toBe(200);
  }
});

type Send = (
  spell?: (base64: string) => string,
) => Promise<{ status: number; body: { code?: string } }>;

function signedPlan(gateway: Gateway, key: Credentials): Send {
  const headers = authHeaders(key, "POST", "/plan", WAIT);
  return (spell = (base64) => base64) =>
    call<{ code?: string }>(gateway, "POST", "/plan", WAIT, {}, respelled(headers, spell));
}

function signedGet(gateway: Gateway, key: Credentials): Send {
  const headers = authHeaders(key, "GET", "/tasks", "");
  return (spell = (base64) => base64) =>
    call<{ code?: string }>(gateway, "GET", "/tasks", undefined, {}, respelled(headers, spell));
}

function respelled(
  headers: Readonly<Record<string, string>>,
  spell: (base64: string) => string,
): Record<string, string> {
  return { ...headers, "x-signature": spell(headers["x-signature"] ?? "") };
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** 32 bytes leave two bits of the last digit unused: other digits decode to the same bytes. */
function otherLastDigit(base64: string): string {
  const digit = base64.at(-2) ?? "";
  const other = ALPHABET[ALPHABET.indexOf(digit) + 1] ?? "";
  return `${base64.slice(0, -2)}${other}=`;
}

const SPELLINGS: readonly ((base64: string) => string)[] = [
  (base64) => base64.replace(/=+$/, ""),
  (base64) => base64.replaceAll("+", "-").replaceAll("/", "_"),
  (base64) => `${base64}=`,
  (base64) => ` ${base64} `,
  otherLastDigit,
];
