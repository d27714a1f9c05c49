import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LinkView, PeopleList, SessionView } from "../../src/contract/people.ts";
import type { TaskView } from "../../src/contract/task.ts";
import { call } from "../support/call.ts";
import { plan, task } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, Person, printedLink, vouchOnHost } from "../support/people.ts";

interface Refusal {
  readonly code: string;
}
interface Audit {
  readonly records: readonly {
    readonly type: string;
    readonly key_id: string | null;
    readonly details?: Readonly<Record<string, unknown>>;
  }[];
}

/** Waits for an approver. */
const WRITE = { path: "/tmp/people.txt", content: "hello" };
const PASSWORD = "correct horse battery";

let gateway: Gateway;
let olga: Person;
beforeAll(async () => {
  gateway = await startGateway();
  olga = await firstOperator(gateway);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

async function invitation(role = "approver"): Promise<string> {
  return (await olga.call<LinkView>("POST", "/people", { role })).body.url;
}

async function peopleNow(): Promise<PeopleList> {
  return (await olga.call<PeopleList>("GET", "/people")).body;
}

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
    expect((await peopleNow()).people.map(({ id }) => id)).toContain("olga-operator");
  });

  test("there is one: the link opens nothing again, and no start prints another", async () => {
    const late = await new Person(gateway).call<Refusal>("POST", "/session/link", {
      token: printedLink(gateway).split("#link=")[1],
    });
    expect(late).toMatchObject({ status: 401, body: { code: "token_invalid" } });
    const before = gateway.output.length;
    await gateway.restart();
    expect(gateway.output.slice(before)).not.toContain("#link=");
  });

  test("I7 the link stands on stdout and not in the log", () => {
    const token = printedLink(gateway).split("#link=")[1] ?? "";
    expect(JSON.stringify(gateway.logs())).not.toContain(token);
  });
});

describe("links", () => {
  test("of ten who open one at once, one does", async () => {
    const token = (await invitation()).split("#link=")[1];
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        new Person(gateway).call("POST", "/session/link", { token }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(401)]);
  });

  test("of ten who enrol at once with one, one does", async () => {
    const before = (await peopleNow()).people.length;
    const { enrolment } = await new Person(gateway).open(await invitation());
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        new Person(gateway).call("POST", "/session/enrol", {
          enrolment,
          name: `Racer ${index}`,
          password: PASSWORD,
        }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401]);
    expect((await peopleNow()).people).toHaveLength(before + 1);
  });

  test("that were withdrawn open nothing", async () => {
    const link = await olga.call<LinkView>("POST", "/people", { role: "operator", name: "Nobody" });
    const waiting = (await peopleNow()).invitations.find(({ name }) => name === "Nobody");
    expect(waiting?.role).toBe("operator");
    await olga.call("DELETE", `/people/invitations/${waiting?.id}`);
    const token = link.body.url.split("#link=")[1];
    expect((await new Person(gateway).call("POST", "/session/link", { token })).status).toBe(401);
    expect((await olga.call("DELETE", `/people/invitations/${waiting?.id}`)).status).toBe(404);
  });

  test.each(["a\u202eb", " ", "x".repeat(61), "a\u0000b"])(
    "no person is called %j",
    async (name) => {
      const guest = new Person(gateway);
      const { enrolment } = await guest.open(await invitation());
      const body = { enrolment, name, password: PASSWORD };
      expect((await guest.call<Refusal>("POST", "/session/enrol", body)).body.code).toBe(
        "invalid_request",
      );
    },
  );

  test("take a passkey or a password, not both, not neither, and no short one", async () => {
    const guest = new Person(gateway);
    const { enrolment } = await guest.open(await invitation());
    const request = { enrolment, name: "Guest" };
    const options = await guest.call<Record<string, unknown>>(
      "POST",
      "/session/enrol/options",
      request,
    );
    const passkey = guest.authenticator.create(options.body);
    for (const credential of [{}, { passkey, password: PASSWORD }, { password: "short" }]) {
      const refused = await guest.call("POST", "/session/enrol", { ...request, ...credential });
      expect(refused.status).toBe(400);
    }
  });

  test("two people of one name have two ids, and letters of any script make one", async () => {
    const ids: string[] = [];
    for (const name of ["Zoë Müller", "Zoë Müller", "山田太郎"]) {
      const person = new Person(gateway);
      await person.enrol(await invitation(), name, PASSWORD);
      ids.push(person.id);
    }
    expect(ids).toEqual(["zoe-muller", "zoe-muller-2", "person"]);
  });
});

describe("sessions", () => {
  test("survive a restart", async () => {
    await gateway.restart();
    expect((await olga.call("GET", "/session")).status).toBe(200);
  });

  test("cookies are out of reach of scripts and of other sites", async () => {
    const guest = new Person(gateway);
    const { enrolment } = await guest.open(await invitation());
    const body = { enrolment, name: "Cookie", password: PASSWORD };
    const answer = await guest.fetch("POST", "/session/enrol", body);
    const [cookie = ""] = answer.headers.getSetCookie();
    expect(cookie).toMatch(
      /^bytebot_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
    );
  });

  test("a cookie stolen before the sign-out opens nothing after it", async () => {
    const mallory = new Person(gateway);
    mallory.cookie = olga.cookie;
    expect((await mallory.call("GET", "/session")).status).toBe(200);
    const stream = await mallory.fetch("GET", "/events");
    expect(stream.status).toBe(200);
    expect((await olga.call("DELETE", "/session")).status).toBe(200);
    expect(olga.cookie).toBe("");
    // The stream ends by itself.
    await stream.body?.pipeTo(new WritableStream()).catch(() => {});
    const after = await mallory.call<Refusal>("GET", "/session");
    expect(after).toMatchObject({ status: 401, body: { code: "token_invalid" } });
    expect((await mallory.call("POST", "/stop", {})).status).toBe(401);
    await olga.signIn();
  });

  test("signing in again leaves no second session behind", async () => {
    const before = olga.cookie;
    await olga.signIn();
    const former = new Person(gateway);
    former.cookie = before;
    expect((await former.call("GET", "/session")).status).toBe(401);
  });

  test.each([
    ["made up", `bytebot_session=${"A".repeat(43)}`],
    ["cut short", "bytebot_session=abc"],
    ["empty", "bytebot_session="],
    ["with a quote", 'bytebot_session="x"'],
  ])("a cookie that is %s is refused", async (_, cookie) => {
    const stranger = new Person(gateway);
    const answer = await stranger.call<Refusal>("GET", "/session", undefined, { cookie });
    expect(answer).toMatchObject({ status: 401, body: { code: "token_invalid" } });
  });

  test("a second cookie of the name, which a neighbour may have set, locks nobody out", async () => {
    const junk = ["A".repeat(43), "x", "", '"x"'].map((value) => `bytebot_session=${value}`);
    for (const cookies of [
      [olga.cookie, ...junk],
      [...junk, olga.cookie],
    ]) {
      const cookie = cookies.join("; ");
      const { status, body } = await olga.call<SessionView>("GET", "/session", undefined, {
        cookie,
      });
      expect([status, body.person?.id]).toEqual([200, olga.id]);
    }
    const none = await olga.call("GET", "/session", undefined, { cookie: junk.join("; ") });
    expect(none.status).toBe(401);
  });

  test("the sessions of two people at once are nobody's, whichever comes first", async () => {
    const mallory = await olga.invite("Mallory", "approver");
    for (const cookies of [
      [olga.cookie, mallory.cookie],
      [mallory.cookie, olga.cookie],
    ]) {
      const answer = await olga.call<Refusal>("POST", "/stop", {}, { cookie: cookies.join("; ") });
      expect(answer).toMatchObject({ status: 401, body: { code: "token_invalid" } });
    }
    expect((await olga.call("GET", "/session")).status).toBe(200);
  });
});

describe("another site's page, with a live session", () => {
  const elsewhere = {
    "another origin": { origin: "https://evil.example" },
    "another port of this machine": { origin: "http://localhost:1" },
    "an opaque origin": { origin: "null" },
    "no origin": { origin: undefined },
    "a same-site frame": { "sec-fetch-site": "same-site" },
    "a cross-site form": { "sec-fetch-site": "cross-site" },
  };
  test.each(Object.entries(elsewhere))("I11 %s stops nothing", async (_, headers) => {
    const stop = await olga.call<Refusal>("POST", "/stop", {}, headers);
    expect(stop).toMatchObject({ status: 403, body: { code: "host_not_allowed" } });
    const out = await olga.call("DELETE", "/session", undefined, headers);
    expect(out.status).toBe(403);
    expect((await olga.call("GET", "/session")).status).toBe(200);
  });

  test("a form's content types are not read", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const answer = await olga.call("POST", "/stop", "{}", { "content-type": type });
      expect(answer.status).toBe(415);
    }
  });

  test("neither signs anybody in", async () => {
    const token = (await invitation()).split("#link=")[1];
    for (const headers of Object.values(elsewhere)) {
      const answer = await new Person(gateway).call("POST", "/session/link", { token }, headers);
      expect(answer.status).toBe(403);
    }
    // And used nothing up.
    expect((await new Person(gateway).call("POST", "/session/link", { token })).status).toBe(200);
  });

  test.each(["cross-site", "same-site"])(
    "what it frames or loads (%s) is a stranger's",
    async (site) => {
      const headers = { "sec-fetch-site": site };
      const answer = await olga.call<Refusal>("GET", "/session", undefined, headers);
      expect(answer).toMatchObject({ status: 401, body: { code: "signature_missing" } });
    },
  );
});

describe("a cookie beside a key's credentials", () => {
  test("counts for nothing: the key is who calls", async () => {
    const { token } = gateway.keys.api;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await olga.call<Refusal>("POST", "/stop", {}, headers);
    expect(answer).toMatchObject({ status: 403, body: { code: "scope_missing" } });
  });

  test.each([
    { authorization: "Bearer nobodys" },
    { "x-signature": "AAAA" },
    { "x-timestamp": "1" },
    { "x-key-id": "default" },
    { signature: "sig=:AAAA:" },
  ])("does not help %j", async (headers) => {
    const answer = await olga.call("GET", "/session", undefined, headers);
    expect(answer.status).toBe(401);
  });
});

describe("roles", () => {
  let anna: Person;
  beforeAll(async () => {
    anna = await olga.invite("Anna Approver", "approver");
  });

  test.each([
    ["GET", "/people"],
    ["POST", "/people", { role: "operator" }],
    ["POST", "/people/olga-operator/link"],
    ["DELETE", "/people/olga-operator"],
    ["DELETE", `/people/invitations/${"A".repeat(22)}`],
    ["GET", "/audit"],
    ["GET", "/webhooks"],
  ])("an approver gets no further with %s %s", async (method, path, body?: unknown) => {
    const answer = await anna.call<Refusal>(method, path, body);
    expect(answer).toMatchObject({ status: 403, body: { code: "scope_missing" } });
  });

  test("I4 a person plans and executes nothing, whatever their role", async () => {
    for (const person of [olga, anna]) {
      const body = { action: "fs.read", parameters: { path: "/tmp/a" } };
      expect((await person.call("POST", "/plan", body)).status).toBe(403);
    }
  });

  test.each(["default", "api", "approver"] as const)(
    "I11 the key %s stands in for no person",
    async (key) => {
      const routes = [
        ["GET", "/session"],
        ["DELETE", "/session"],
        ["GET", "/session/passkeys"],
        ["POST", "/session/passkeys/options"],
        ["GET", "/people"],
        ["DELETE", "/people/olga-operator"],
        ["POST", "/people/olga-operator/link"],
      ] as const;
      for (const [method, path] of routes) {
        const answer = await call<Refusal>(gateway, method, path, undefined, gateway.keys[key]);
        expect(answer, `${method} ${path}`).toMatchObject({
          status: 403,
          body: { code: "scope_missing" },
        });
      }
      const invite = { role: "operator" };
      const answer = await call(gateway, "POST", "/people", invite, gateway.keys[key]);
      expect(answer.status).toBe(403);
    },
  );

  test("an approver decides, and the record names them", async () => {
    const planned = await plan(gateway, "fs.write", WRITE);
    const { task_id, plan_digest } = planned;
    const decision = { task_id, plan_digest, decision: "approve" };
    const answer = await anna.call<TaskView>("POST", "/confirm", decision);
    expect(answer.status).toBe(200);
    expect(answer.body.approvals).toMatchObject([{ key_id: "person:anna-approver" }]);
    const again = await anna.call<Refusal>("POST", "/confirm", decision);
    expect(again.status).toBe(409);
  });

  test("I4 two approvals are two people, not two sessions of one", async () => {
    await using own = await startGateway({
      policy: {
        capabilities: { "fs.write": { enabled: true, allowed_paths: ["/tmp"] } },
        confirmation: { approvals: { medium: 2 } },
      },
    });
    const one = await firstOperator(own, "One");
    const two = await one.invite("Two", "approver");
    await vouchOnHost(two);
    await one.call("GET", "/people");
    const phone = new Person(own, one.authenticator);
    await phone.signIn();
    const { task_id, plan_digest } = await plan(own, "fs.write", WRITE);
    const decision = { task_id, plan_digest, decision: "approve" };
    expect((await one.call<TaskView>("POST", "/confirm", decision)).body.status).toBe("planned");
    expect(await phone.call<Refusal>("POST", "/confirm", decision)).toMatchObject({
      status: 409,
      body: { code: "same_approver" },
    });
    expect((await two.call<TaskView>("POST", "/confirm", decision)).body.status).toBe("ready");
  });

  test("the last operator stays", async () => {
    const answer = await olga.call<Refusal>("DELETE", "/people/olga-operator");
    expect(answer).toMatchObject({ status: 409, body: { code: "state_changed" } });
    expect((await olga.call("DELETE", "/people/nobody")).status).toBe(404);
  });

  test("of two operators who remove each other at once, one stays", async () => {
    await using own = await startGateway();
    const one = await firstOperator(own, "One");
    const two = await one.invite("Two", "operator");
    const answers = await Promise.all([
      one.call("DELETE", "/people/two"),
      two.call("DELETE", "/people/one"),
    ]);
    const worked = answers.filter(({ status }) => status === 200);
    expect(worked).toHaveLength(1);
    const left = [one, two].map((person) => person.call<PeopleList>("GET", "/people"));
    const lists = (await Promise.all(left)).filter(({ status }) => status === 200);
    expect(lists.map(({ body }) => body.people.length)).toEqual([1]);
  });
});

describe("I15 removing a person", () => {
  test("ends sessions, streams, links and approvals that were not used", async () => {
    const ben = await olga.invite("Ben Brief", "approver");
    const { task_id, plan_digest } = await plan(gateway, "fs.write", WRITE);
    const decision = { task_id, plan_digest, decision: "approve" };
    expect((await ben.call<TaskView>("POST", "/confirm", decision)).body.status).toBe("ready");
    const recovery = await olga.call<LinkView>("POST", `/people/${ben.id}/link`);
    const stream = await ben.fetch("GET", "/events");

    expect((await olga.call("DELETE", `/people/${ben.id}`)).status).toBe(200);

    await stream.body?.pipeTo(new WritableStream()).catch(() => {});
    expect((await ben.call("GET", "/session")).status).toBe(401);
    const token = recovery.body.url.split("#link=")[1];
    expect((await new Person(gateway).call("POST", "/session/link", { token })).status).toBe(401);
    await expect(ben.signIn()).rejects.toThrow("signature_invalid");
    const executed = await call<Refusal>(gateway, "POST", "/execute", { task_id });
    expect(executed).toMatchObject({ status: 409, body: { code: "task_cancelled" } });
    expect((await task(gateway, task_id)).status).toBe("cancelled");
    expect((await peopleNow()).people.map(({ id }) => id)).not.toContain(ben.id);
  });

  test("the id is never another's", async () => {
    const ben = await olga.invite("Ben Brief", "approver");
    expect(ben.id).toBe("ben-brief-2");
  });
});

describe("the record", () => {
  test("tells of people, links, passkeys and sessions, and I7 holds no secret", async () => {
    const carl = new Person(gateway);
    const link = await olga.call<LinkView>("POST", "/people", { role: "approver", name: "Carl" });
    await carl.enrol(link.body.url, undefined, PASSWORD);
    await carl.call("DELETE", "/session");
    await olga.call("DELETE", `/people/${carl.id}`);
    const { body } = await call<Audit>(
      gateway,
      "GET",
      "/audit?limit=1000",
      undefined,
      gateway.keys.approver,
    );
    const types = body.records.map(({ type }) => type);
    for (const type of [
      "person.invited",
      "link.opened",
      "person.enrolled",
      "password.set",
      "passkey.added",
      "session.started",
      "session.ended",
      "person.invitation_withdrawn",
      "person.removed",
    ]) {
      expect(types).toContain(type);
    }
    const secrets = [
      PASSWORD,
      olga.cookie.split("=")[1] ?? "",
      link.body.url.split("#link=")[1] ?? "",
      printedLink(gateway).split("#link=")[1] ?? "",
    ];
    const log = JSON.stringify(gateway.logs());
    const database = ["gateway.db", "gateway.db-wal"]
      .map((name) => readFileSync(join(gateway.dataDir, name), "latin1"))
      .join("");
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(10);
      expect(JSON.stringify(body)).not.toContain(secret);
      expect(log).not.toContain(secret);
      expect(database).not.toContain(secret);
    }
  });
});
