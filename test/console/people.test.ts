import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PeopleList, SessionView } from "../../src/contract/people.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";

let gateway: Gateway;
let olga: Person;
beforeAll(async () => {
  gateway = await startGateway();
  olga = await firstOperator(gateway);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe("the first operator", () => {
  test("is who opened the link that the start printed, with a passkey", async () => {
    expect(olga.view?.person).toEqual({
      id: "olga-operator",
      name: "Olga Operator",
      role: "operator",
    });
    const { status, body } = await olga.call<SessionView>("GET", "/session");
    expect(status).toBe(200);
    expect(body).toMatchObject({ passkeys: 1, has_password: false, passkeys_possible: true });
    const people = await olga.call<PeopleList>("GET", "/people");
    expect(people.body.people.map(({ id }) => id)).toEqual(["olga-operator"]);
  });
});
