import { once } from "node:events";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../support/call.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { printedLink, tokenOf } from "../support/people.ts";

/** Behind a proxy with TLS: people type one name, and the gateway also answers on this machine. */
const PUBLIC = { origin: "https://gateway.example", host: "gateway.example" };

let gateway: Gateway;
let secure: string;
beforeAll(async () => {
  gateway = await startGateway({
    // Every name the gateway answers to is listed: refused for being its own all the same.
    policy: {
      capabilities: {
        "browser.open": {
          enabled: true,
          allowed_domains: ["localhost", "localhost:*", "gateway.example", "127.0.0.1:*"],
        },
      },
    },
    env: {
      PORT: String(await freePort()),
      PUBLIC_URL: "https://gateway.example",
      CORS_ORIGINS: "https://chat.example",
    },
  });
  const token = tokenOf(printedLink(gateway));
  const opened = await ask("POST", "/session/link", { token }, PUBLIC);
  const { enrolment, passkeys_possible } = opened.body;
  expect(passkeys_possible).toBe(true);
  const person = { enrolment, name: "Olga", password: "correct horse battery" };
  const answer = await ask("POST", "/session/enrol", person, PUBLIC);
  secure = answer.cookie;
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

/** Policy knows the gateway's own port by configuration. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

interface Told {
  readonly status: number;
  readonly cookie: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** With any Host: fetch sends its own. */
async function ask(
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<Told> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const { promise, resolve, reject } = Promise.withResolvers<Told>();
  const type = text === "" ? {} : { "content-type": "application/json" };
  request(
    gateway.url + path,
    { method, agent: false, headers: { ...type, "content-length": text.length, ...headers } },
    async (response) => {
      let told = "";
      for await (const chunk of response) told += chunk;
      resolve({
        status: response.statusCode ?? 0,
        cookie: response.headers["set-cookie"]?.[0] ?? "",
        headers: response.headers,
        body: JSON.parse(told),
      });
    },
  )
    .on("error", reject)
    .end(text);
  return promise;
}

describe("under an https name", () => {
  test("the link leads there, and passkeys are that host's", async () => {
    expect(printedLink(gateway)).toMatch(/^https:\/\/gateway\.example\/console#link=/);
    const { body } = await ask("POST", "/session/passkey/options", {}, PUBLIC);
    expect(body.options).toMatchObject({ rpId: "gateway.example", userVerification: "required" });
  });

  test("the cookie is kept to this host and to TLS", () => {
    expect(secure).toMatch(
      /^__Host-bytebot_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+; Secure$/,
    );
  });

  test("and no other name of it counts: a neighbouring host could set that", async () => {
    const [pair = ""] = secure.split(";");
    const good = await ask("GET", "/session", undefined, { ...PUBLIC, cookie: pair });
    expect(good.body.person).toMatchObject({ id: "olga" });
    const tossed = { ...PUBLIC, cookie: pair.replace("__Host-", "") };
    expect((await ask("GET", "/session", undefined, tossed)).status).toBe(401);
    const both = { ...PUBLIC, cookie: `bytebot_session=${"A".repeat(43)}; ${pair}` };
    expect((await ask("GET", "/session", undefined, both)).status).toBe(200);
  });

  test("a page that may read answers (CORS_ORIGINS) may not use the session", async () => {
    const [pair = ""] = secure.split(";");
    const headers = { host: PUBLIC.host, origin: "https://chat.example", cookie: pair };
    const stop = await ask("POST", "/stop", {}, headers);
    expect(stop).toMatchObject({ status: 403, body: { code: "host_not_allowed" } });
    const session = await ask("GET", "/session", undefined, headers);
    expect(session.headers).not.toHaveProperty("access-control-allow-credentials");
    expect((await call(gateway, "GET", "/ready")).body).toMatchObject({ ready: true });
  });
});

describe("on the machine itself", () => {
  test("people sign in to localhost with a cookie of its own", async () => {
    const origin = `http://localhost:${gateway.port}`;
    const local = { origin, host: `localhost:${gateway.port}` };
    const body = { id: "olga", password: "correct horse battery" };
    const answer = await ask("POST", "/session/password", body, local);
    expect(answer.cookie).toMatch(/^bytebot_session=[\w-]{43};/);
    const [pair = ""] = answer.cookie.split(";");
    const session = await ask("GET", "/session", undefined, { host: local.host, cookie: pair });
    expect(session.status).toBe(200);
    const resume = await ask("POST", "/resume", {}, { ...local, cookie: pair });
    expect(resume.status).toBe(200);
  });
});

test.each(["http://localhost", "https://gateway.example", "http://127.0.0.1"])(
  "I11 no browser of the desktop is sent to %s",
  async (base) => {
    const url = base.startsWith("https") ? base : `${base}:${gateway.port}`;
    const body = { action: "browser.open", parameters: { url: `${url}/console#link=x` } };
    const planned = await call<{ code: string }>(gateway, "POST", "/plan", body);
    expect(planned).toMatchObject({ status: 403, body: { code: "domain_not_allowed" } });
  },
);
