import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CeremonyView, PasskeyList, SessionView } from "../../src/contract/people.ts";
import { FLAGS, SoftwareAuthenticator } from "../support/authenticator.ts";
import type { Answer } from "../support/call.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, originOf, Person } from "../support/people.ts";

interface Refusal {
  readonly code: string;
}

const PASSWORD = "correct horse battery";

let gateway: Gateway;
let olga: Person;
beforeAll(async () => {
  gateway = await startGateway();
  olga = await firstOperator(gateway);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

async function invited(name: string, password: string): Promise<Person> {
  const { body } = await olga.call<{ url: string }>("POST", "/people", { role: "approver" });
  const person = new Person(gateway);
  await person.enrol(body.url, name, password);
  return person;
}

async function ceremony(person: Person): Promise<CeremonyView> {
  return (await person.call<CeremonyView>("POST", "/session/passkey/options", {})).body;
}

function send(person: Person, body: unknown): Promise<Answer<Refusal>> {
  return person.call<Refusal>("POST", "/session/passkey", body);
}

describe("a passkey", () => {
  test("signs in, and counts up", async () => {
    const other = new Person(gateway, olga.authenticator);
    expect((await other.signIn()).person.id).toBe(olga.id);
    expect((await other.signIn()).person.id).toBe(olga.id);
    await other.call("DELETE", "/session");
  });

  test("answers a challenge once", async () => {
    const { ceremony: name, options } = await ceremony(olga);
    const body = { ceremony: name, response: olga.authenticator.get(options) };
    const guest = new Person(gateway);
    expect((await send(guest, body)).status).toBe(200);
    expect(await send(new Person(gateway), body)).toMatchObject({
      status: 401,
      body: { code: "token_invalid" },
    });
  });

  const wrong: Record<string, (person: Person) => Promise<unknown>> = {
    "an answer to another challenge": async (person) => {
      const [one, two] = [await ceremony(person), await ceremony(person)];
      return { ceremony: one.ceremony, response: olga.authenticator.get(two.options) };
    },
    "nobody verified": async (person) => {
      const { ceremony: name, options } = await ceremony(person);
      return { ceremony: name, response: olga.authenticator.get(options, FLAGS.present) };
    },
    "nobody present": async (person) => {
      const { ceremony: name, options } = await ceremony(person);
      return { ceremony: name, response: olga.authenticator.get(options, FLAGS.verified) };
    },
    "a passkey that nobody has": async (person) => {
      const { ceremony: name, options } = await ceremony(person);
      const stranger = new SoftwareAuthenticator(() => originOf(gateway));
      stranger.create({ ...options, rp: { id: "localhost" }, user: { id: "AAAA" } });
      return { ceremony: name, response: stranger.get(options) };
    },
    "another person's handle": async (person) => {
      const { ceremony: name, options } = await ceremony(person);
      const response = olga.authenticator.get(options);
      const userHandle = Buffer.alloc(32).toString("base64url");
      return {
        ceremony: name,
        response: { ...response, response: { ...response.response, userHandle } },
      };
    },
    "a signature that was changed": async (person) => {
      const { ceremony: name, options } = await ceremony(person);
      const response = olga.authenticator.get(options);
      const signature = Buffer.from(response.response.signature, "base64url");
      signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
      const changed = { ...response.response, signature: signature.toString("base64url") };
      return { ceremony: name, response: { ...response, response: changed } };
    },
    "data that is no data": async (person) => {
      const { ceremony: name, options } = await ceremony(person);
      const response = olga.authenticator.get(options);
      const junk = { clientDataJSON: "AAAA", authenticatorData: "AAAA", signature: "AAAA" };
      return {
        ceremony: name,
        response: { ...response, response: { ...response.response, ...junk } },
      };
    },
    "a page of another origin": async (person) => {
      const { ceremony: name, options } = await ceremony(person);
      const { response, ...rest } = olga.authenticator.get(options);
      const data = JSON.parse(Buffer.from(response.clientDataJSON, "base64url").toString());
      const clientDataJSON = Buffer.from(
        JSON.stringify({ ...data, origin: "https://evil.example" }),
      ).toString("base64url");
      return { ceremony: name, response: { ...rest, response: { ...response, clientDataJSON } } };
    },
  };
  test.each(Object.entries(wrong))("is refused: %s", async (_, make) => {
    const guest = new Person(gateway);
    const answer = await send(guest, await make(guest));
    expect(answer).toMatchObject({ status: 401, body: { code: "signature_invalid" } });
    expect(guest.cookie).toBe("");
    expect(JSON.stringify(gateway.logs().slice(-3))).not.toContain("request failed");
  });

  test.each([
    [{}, 400],
    [{ ceremony: "x" }, 400],
    [{ ceremony: "A".repeat(22), response: {} }, 400],
    [
      `{"ceremony":"${"A".repeat(22)}","response":${JSON.stringify({ id: "A".repeat(70_000) })}}`,
      413,
    ],
  ])("of no shape is refused (%#)", async (body, status) => {
    expect((await send(new Person(gateway), body)).status).toBe(status);
  });

  test("that was copied shows by its counter", async () => {
    const carl = await olga.invite("Carl Copied", "approver");
    const first = await ceremony(carl);
    const second = await ceremony(carl);
    const early = { ceremony: first.ceremony, response: carl.authenticator.get(first.options) };
    const late = { ceremony: second.ceremony, response: carl.authenticator.get(second.options) };
    expect((await send(new Person(gateway), late)).status).toBe(200);
    expect((await send(new Person(gateway), early)).body.code).toBe("signature_invalid");
  });
});

describe("one's own passkeys", () => {
  async function add(person: Person, authenticator: SoftwareAuthenticator, name: string) {
    const { body } = await person.call<CeremonyView>("POST", "/session/passkeys/options", {});
    const response = authenticator.create(body.options);
    return person.call<PasskeyList>("POST", "/session/passkeys", {
      ceremony: body.ceremony,
      response,
      name,
    });
  }

  test("can be added and removed, but not the last way in", async () => {
    const dora = await olga.invite("Dora", "approver");
    const phone = new SoftwareAuthenticator(() => originOf(gateway));
    const added = await add(dora, phone, "Phone");
    expect(added.body.passkeys.map(({ name, rp_id }) => [name, rp_id])).toEqual([
      ["Passkey", "localhost"],
      ["Phone", "localhost"],
    ]);
    const onPhone = new Person(gateway, phone);
    await onPhone.signIn();
    expect(onPhone.id).toBe(dora.id);

    const [first, second] = added.body.passkeys;
    expect((await dora.call("DELETE", `/session/passkeys/${first?.id}`)).status).toBe(200);
    await expect(dora.signIn()).rejects.toThrow("signature_invalid");
    const last = await onPhone.call<Refusal>("DELETE", `/session/passkeys/${second?.id}`);
    expect(last).toMatchObject({ status: 409, body: { code: "state_changed" } });
    expect((await olga.call("DELETE", `/session/passkeys/${second?.id}`)).status).toBe(404);
  });

  test("are added by whoever began it, and once", async () => {
    const eve = await olga.invite("Eve", "approver");
    const { body } = await olga.call<CeremonyView>("POST", "/session/passkeys/options", {});
    const key = new SoftwareAuthenticator(() => originOf(gateway));
    const request = { ceremony: body.ceremony, response: key.create(body.options) };
    expect((await eve.call("POST", "/session/passkeys", request)).status).toBe(401);
    // The attempt of another used it up.
    expect((await olga.call("POST", "/session/passkeys", request)).status).toBe(401);
  });
});

describe("a password", () => {
  test("signs in where it is right, and a person without one has none", async () => {
    const paul = await invited("Paul Password", PASSWORD);
    expect(paul.view).toMatchObject({ passkeys: 0, has_password: true });
    await paul.call("DELETE", "/session");
    expect((await paul.signIn(PASSWORD)).person.id).toBe("paul-password");
    const body = { id: olga.id, password: "" };
    expect((await new Person(gateway).call("POST", "/session/password", body)).status).toBe(401);
  });

  test("that is wrong is answered as an id that nobody has, and guessing is slowed for both", async () => {
    await invited("Gina", PASSWORD);
    const guess = async (id: string) => {
      const answers: Answer<Refusal>[] = [];
      for (let count = 0; count < 12; count++) {
        const body = { id, password: `wrong guess number ${count}` };
        const answer = await new Person(gateway).call<Refusal>("POST", "/session/password", body);
        answers.push(answer);
        if (answer.status === 429) break;
      }
      return answers;
    };
    const [known, unknown] = [await guess("gina"), await guess("nobody-at-all")];
    for (const answers of [known, unknown]) {
      const statuses = answers.map(({ status }) => status);
      expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
      expect(statuses.at(-1)).toBe(429);
      expect(answers.at(-1)?.headers.get("retry-after")).toMatch(/^\d+$/);
    }
    expect(known[0]?.body).toEqual({ ...unknown[0]?.body, request_id: expect.anything() });
    const audit = await olga.call<{ records: { type: string; details?: { person?: string } }[] }>(
      "GET",
      "/audit?limit=1000",
    );
    const guessed = audit.body.records.filter(({ type }) => type === "session.guessed");
    expect(guessed.map(({ details }) => details?.person)).toEqual(["gina"]);
  });

  test("is taken after sixty wrong ones of others, and by whom others guess at", async () => {
    await using own = await startGateway({ env: { TRUSTED_PROXIES: "loopback" } });
    const operator = await firstOperator(own);
    const { body } = await operator.call<{ url: string }>("POST", "/people", { role: "approver" });
    const petra = new Person(own);
    await petra.enrol(body.url, "Petra", PASSWORD);
    const signIn = (id: string, password: string, ip: string) =>
      new Person(own).call(
        "POST",
        "/session/password",
        { id, password },
        { "x-forwarded-for": ip },
      );
    let wrong = 0;
    while (wrong < 60) {
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          signIn(
            index === 0 ? petra.id : `nobody-${wrong}-${index}`,
            "wrong",
            `10.${wrong}.${index}.1`,
          ),
        ),
      );
      wrong += answers.filter(({ status }) => status === 401).length;
    }
    expect((await signIn(petra.id, PASSWORD, "192.0.2.7")).status).toBe(200);
  });

  test("many at once are not all computed", async () => {
    const answers = await Promise.all(
      Array.from({ length: 14 }, (_, index) =>
        new Person(gateway).call("POST", "/session/password", {
          id: `flood-${index}`,
          password: "flooding the gateway",
        }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect((await olga.call("GET", "/session")).status).toBe(200);
  });
});

describe("at an IP address", () => {
  test("there are no passkeys, and a password remains", async () => {
    const address = `127.0.0.1:${gateway.port}`;
    const headers = { origin: `http://${address}`, host: address };
    const { body } = await olga.call<{ url: string }>("POST", "/people", { role: "approver" });
    const guest = new Person(gateway);
    const token = body.url.split("#link=")[1];
    const opened = await guest.call<{ enrolment: string; passkeys_possible: boolean }>(
      "POST",
      "/session/link",
      { token },
      headers,
    );
    expect(opened.body.passkeys_possible).toBe(false);
    const { enrolment } = opened.body;
    const request = { enrolment, name: "Ip" };
    const options = await guest.call("POST", "/session/enrol/options", request, headers);
    expect(options.status).toBe(400);
    const enrolled = await guest.call<SessionView>(
      "POST",
      "/session/enrol",
      { ...request, password: PASSWORD },
      headers,
    );
    expect(enrolled.body).toMatchObject({ has_password: true, passkeys_possible: false });
  });
});
