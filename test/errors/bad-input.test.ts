import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../../src/contract/service.ts";
import { type Answer, call } from "../support/call.ts";
import { planRequest } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { rawCall, rawText, toAnswer } from "../support/raw-answer.ts";
import { openSocket, rawRequest, readToEnd } from "../support/raw-socket.ts";

/** I10: whatever is sent gets a clear answer, and costs nobody else anything. */
let gateway: Gateway;
let pid: number;
beforeAll(async () => {
  gateway = await startGateway({ env: { MAX_FILE_SIZE_MB: "1" } });
  pid = gateway.pid;
});
afterAll(() => gateway?.[Symbol.asyncDispose]());
afterEach(async () => {
  // The same process still serves others, and found nothing that it had not foreseen.
  expect(gateway.pid).toBe(pid);
  await planRequest(gateway, { action: "wait", parameters: { duration_ms: 1 } });
  expect(gateway.logs().filter(({ level }) => level === "error")).toEqual([]);
});

type Refused = Answer<Problem>;

/** `POST /plan` of any bytes, as a key that may plan. */
function planBytes(
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Refused> {
  const bytes = Buffer.from(body as string);
  const head = rawText("POST /plan", {
    authorization: `Bearer ${gateway.keys.api.token}`,
    "content-type": "application/json",
    "content-length": String(bytes.length),
    ...headers,
  });
  return rawCall<Problem>(gateway, Buffer.concat([Buffer.from(head), bytes]));
}

function expectRefused({ status, headers, body }: Refused, code: string, of: number): void {
  expect([status, body.code], body.detail).toEqual([of, code]);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body.detail.length).toBeGreaterThan(5);
  expect(body.hint).toMatch(/\w{3,}/);
  expect(JSON.stringify(body)).not.toMatch(/node_modules|\.[tj]s\b|\bat \S+ \(|Error:/);
}

const deep = (open: string, close: string, depth = 10_000) =>
  `{"action":"wait","parameters":{"x":${open.repeat(depth)}1${close.repeat(depth)}}}`;
const wait = '{"action":"wait","parameters":{"duration_ms":1}}';

/** Bodies that are no plan, with what the answer must say of them. */
const BODIES: Readonly<Record<string, readonly [body: string | Uint8Array, detail: RegExp]>> = {
  "nothing at all": ["", /empty/],
  "white space": [" \n", /not JSON.*byte 2/],
  "no JSON": ["hello", /not JSON.*byte 0/],
  "JSON cut short": ['{"action":"wa', /not JSON.*closing quote/],
  "a comma too many": ['{"action":"wait",}', /not JSON.*key/],
  "single quotes": ["{'action':'wait'}", /not JSON.*key/],
  "a comment": ['{"action":"wait"} // x', /not JSON.*the end/],
  "two documents": [wait + wait, /not JSON.*the end/],
  NaN: ['{"action":"wait","parameters":{"duration_ms":NaN}}', /not JSON.*value/],
  "arrays 10,000 deep": [deep("[", "]"), /deeper than 32/],
  "objects 10,000 deep": [deep('{"a":', "}"), /deeper than 32/],
  "a key twice": ['{"action":"wait","action":"fs.read"}', /"action" stands twice/],
  "a key twice, by an escape": [
    '{"action":"wait","\\u0061ction":"fs.read"}',
    /"action" stands twice/,
  ],
  "a key twice, inside": [
    '{"action":"wait","parameters":{"duration_ms":1,"duration_ms":2}}',
    /"duration_ms" stands twice/,
  ],
  "the key __proto__": ['{"__proto__":{"action":"wait"}}', /__proto__/],
  "an unsafe integer": [
    '{"action":"wait","parameters":{"duration_ms":9007199254740993}}',
    /2\^53-1/,
  ],
  "a number without end": [
    '{"action":"wait","parameters":{"duration_ms":1e999}}',
    /number too large/,
  ],
  "half a surrogate pair": ['{"action":"\\ud800"}', /surrogate/],
  "a byte order mark": [`\ufeff${wait}`, /byte order mark/],
  "bytes that are not UTF-8": [Buffer.from('{"action":"\xff\xfe"}', "latin1"), /not UTF-8/],
  "an overlong encoding": [Buffer.from('{"action":"\xc0\xaf"}', "latin1"), /not UTF-8/],
  "a raw control character": ['{"action":"a\u0001b"}', /control character/],
  "an array": ["[]", /object/],
  null: ["null", /object/],
  "a number": ["1", /object/],
  "no action": ["{}", /`action` or `steps`/],
  "action and steps": ['{"action":"wait","steps":[{"action":"wait"}]}', /`action` or `steps`/],
  "an action that is a number": ['{"action":5}', /"\/action".*string/],
  "an empty action": ['{"action":""}', /"\/action".*1 to 64/],
  "parameters in an array": ['{"action":"wait","parameters":[]}', /"\/parameters".*object/],
  "steps in an object": ['{"steps":{}}', /"\/steps".*array/],
  "no steps": ['{"steps":[]}', /"\/steps".*1 to 100/],
  "too many steps": [
    JSON.stringify({ steps: Array.from({ length: 101 }, () => ({ action: "wait" })) }),
    /"\/steps".*1 to 100/,
  ],
  "an unknown field": ['{"action":"wait","dry_run":true}', /"\/dry_run".*only action/],
  "an unknown parameter": [
    '{"action":"wait","parameters":{"duration_ms":1,"then":2}}',
    /\/parameters has unknown fields: "then"/,
  ],
  "a parameter of the wrong type": [
    '{"action":"wait","parameters":{"duration_ms":"1"}}',
    /\/parameters\/duration_ms/,
  ],
  "a number out of range": [
    '{"action":"wait","parameters":{"duration_ms":60001}}',
    /\/parameters\/duration_ms/,
  ],
  "a title over its length": [JSON.stringify({ action: "wait", title: "x".repeat(201) }), /title/],
};

describe("I10 a body of POST /plan", () => {
  test.each(Object.entries(BODIES))("%s is refused", async (_name, [body, detail]) => {
    const answer = await planBytes(body);
    expectRefused(answer, "invalid_request", 400);
    expect(answer.body.detail).toMatch(detail);
  });

  const MEDIA_TYPES = ["text/plain", "application/x-www-form-urlencoded", "text/json", "x"];
  test.each([...MEDIA_TYPES, "multipart/form-data; boundary=x"])(
    "as %s is refused",
    async (type) => {
      expectRefused(await planBytes(wait, { "content-type": type }), "unsupported_media_type", 415);
    },
  );

  test.each(["gzip", "br", "deflate, gzip"])(
    "with Content-Encoding %s is refused",
    async (name) => {
      const answer = await planBytes(wait, { "content-encoding": name });
      expectRefused(answer, "unsupported_media_type", 415);
    },
  );

  test("with the usual parameters of its type is read", async () => {
    const answer = await planBytes(wait, { "content-type": "application/json; charset=utf-8" });
    expect(answer.status).toBe(200);
  });
});

const CORPUS = resolve(import.meta.dirname, "../../../shared/corpora/json-test-suite.json");
const hasCorpus = existsSync(CORPUS);
/** The gateway refuses what two readers might understand differently. */
const REFUSED_THOUGH_VALID = /^y_object_duplicated_key/;

describe.runIf(hasCorpus)(`the JSON test suite${hasCorpus ? "" : " (skipped: no corpora)"}`, () => {
  const texts: Record<string, string> = hasCorpus ? JSON.parse(readFileSync(CORPUS, "utf8")) : {};

  test("I10 splits as its README says, over HTTP", async () => {
    const verdicts: Record<string, string> = {};
    for (const [name, base64] of Object.entries(texts)) {
      const answer = await planBytes(Buffer.from(base64, "base64"));
      // None of them is a plan: what was read as JSON is refused by the schema.
      expectRefused(answer, "invalid_request", 400);
      const unread = /^The body is (not JSON|empty)/.test(answer.body.detail);
      verdicts[name] = unread ? "n" : "y";
    }
    expect(Object.keys(verdicts).length).toBeGreaterThan(300);
    const wrong = Object.entries(verdicts).filter(([name, verdict]) => {
      if (name.startsWith("i_")) return false;
      return verdict !== (REFUSED_THOUGH_VALID.test(name) ? "n" : name[0]);
    });
    expect(wrong).toEqual([]);
  });
});

const host = "host: localhost\r\nconnection: close\r\n";
const chunked = `${host}content-type: application/json\r\ntransfer-encoding: chunked\r\n`;

/** What arrives at the socket, and the answer to it. */
const REQUESTS: Readonly<Record<string, readonly [text: string, status: number, code?: string]>> = {
  "an unknown method": ["BREW /plan HTTP/1.1\r\n", 400, "invalid_request"],
  "a method in small letters": [`get /health HTTP/1.1\r\n${host}\r\n`, 400, "invalid_request"],
  "a method that is not offered": [rawText("DELETE /plan"), 405, "method_not_allowed"],
  "a method of another protocol": [rawText("PROPFIND /tasks"), 405, "method_not_allowed"],
  "TRACE, which would echo secrets": [rawText("TRACE /health"), 405, "method_not_allowed"],
  "HTTP/1.0 with a Host": [`GET /health HTTP/1.0\r\n${host}\r\n`, 200],
  "HTTP/1.0 without one": ["GET /health HTTP/1.0\r\n\r\n", 400, "invalid_request"],
  "HTTP/0.9": ["GET /health\r\n", 400, "invalid_request"],
  "HTTP/2 by prior knowledge": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "invalid_request"],
  "a TLS handshake": ["\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400, "invalid_request"],
  "no Host": ["GET /health HTTP/1.1\r\nconnection: close\r\n\r\n", 400, "invalid_request"],
  "two Hosts": [`GET /health HTTP/1.1\r\nHost: evil.test\r\n${host}\r\n`, 400, "invalid_request"],
  "a stranger's Host": [rawText("GET /health", { host: "evil.test" }), 403, "host_not_allowed"],
  "an absolute target": [rawText("GET http://localhost/health"), 400, "invalid_request"],
  "an asterisk": [rawText("GET *"), 400, "invalid_request"],
  "a space before the colon": [
    "GET / HTTP/1.1\r\nhost : localhost\r\n\r\n",
    400,
    "invalid_request",
  ],
  "NUL in a header": [rawText("GET /health", { "x-a": "a\0b" }), 400, "invalid_request"],
  "a folded header": [`GET / HTTP/1.1\r\nx-a: b\r\n c\r\n${host}\r\n`, 400, "invalid_request"],
  "Expect of the unknown": [rawText("GET /health", { expect: "200-ok" }), 400, "invalid_request"],
  "an offer to upgrade": [
    rawText("GET /health", { connection: "upgrade, close", upgrade: "x" }),
    200,
  ],
  "a GET with a body": [
    rawText("GET /health", { "content-length": "2" }, "{}"),
    400,
    "invalid_request",
  ],
  "a length that is no number": [
    rawText("POST /plan", { "content-length": "x" }),
    400,
    "invalid_request",
  ],
  "a negative length": [rawText("POST /plan", { "content-length": "-1" }), 400, "invalid_request"],
  "two lengths": [
    `POST /plan HTTP/1.1\r\n${host}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`,
    400,
    "invalid_request",
  ],
  "a length and chunks": [
    `POST /plan HTTP/1.1\r\n${chunked}content-length: 5\r\n\r\n0\r\n\r\n`,
    400,
    "invalid_request",
  ],
  "chunks of no size": [
    `POST /plan HTTP/1.1\r\n${chunked}\r\nxyz\r\n{}\r\n`,
    400,
    "invalid_request",
  ],
  "endless chunk extensions": [
    `POST /plan HTTP/1.1\r\n${chunked}\r\n1;${"x".repeat(100_000)}\r\n{`,
    413,
    "body_too_large",
  ],
  "a length over the limit": [
    rawText("POST /plan", { "content-type": "application/json", "content-length": "99999999999" }),
    413,
    "body_too_large",
  ],
  "headers over 8 KB": [
    rawText("GET /health", { "x-a": "x".repeat(9000) }),
    431,
    "headers_too_large",
  ],
  "thousands of headers": [
    `GET /health HTTP/1.1\r\n${host}${"x: y\r\n".repeat(3000)}\r\n`,
    431,
    "headers_too_large",
  ],
  "a query over 8 KB": [rawText(`GET /tasks?${"x".repeat(9000)}`), 431, "headers_too_large"],
  "a long path": [rawText(`GET /${"x".repeat(7000)}`), 404, "not_found"],
  "a bad escape in the path": [rawText("GET /approvals/%zz"), 400, "invalid_request"],
  "an escape that is not UTF-8": [rawText("GET /approvals/%ff%fe"), 400, "invalid_request"],
  "NUL in the path": [rawText("GET /approvals/%00"), 404, "not_found"],
  "dots in the path": [rawText("GET /docs/..%2f..%2fpackage.json"), 404, "not_found"],
};

describe("I10 at the socket", () => {
  test.each(Object.entries(REQUESTS))("%s", async (_name, [text, status, code]) => {
    if (code === undefined) expect((await rawRequest(gateway, text)).status).toBe(status);
    else expectRefused(await rawCall<Problem>(gateway, text), code, status);
  });

  test("CONNECT opens no tunnel", async () => {
    const { status, text } = await rawRequest(gateway, rawText("CONNECT localhost:22"));
    expect([0, 400, 404, 405]).toContain(status);
    expect(text).not.toContain("SSH");
  });

  test("Expect: 100-continue is granted", async () => {
    const { text } = await rawRequest(
      gateway,
      rawText(
        "POST /plan",
        {
          authorization: `Bearer ${gateway.keys.api.token}`,
          expect: "100-continue",
          "content-type": "application/json",
          "content-length": String(wait.length),
        },
        wait,
      ),
    );
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  test("garbage behind a request spoils only what comes after it", async () => {
    const good = rawText("GET /health", { connection: "keep-alive" });
    const socket = await openSocket(gateway);
    socket.write(good);
    const [first] = await once(socket, "data");
    expect(String(first)).toMatch(/^HTTP\/1\.1 200 /);
    socket.write(`GARBAGE\r\n\r\n${good}`);
    const { text } = await readToEnd(socket);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
    expect(text).toContain('"code":"invalid_request"');
  });
});

/** Of `GET /tasks`, as a key that may read. */
const QUERIES: readonly string[] = [
  "limit=0",
  "limit=201",
  "limit=1e2",
  "limit=-1",
  "limit=1.5",
  "limit=",
  "limit=1&limit=2",
  "status=done",
  "status=planned&status=failed",
  "cursor=%zz",
  "cursor=%ff",
  "cursor=9999999999999999999999",
  "cursor[]=1",
  "unknown=1",
  "__proto__=1",
  `x=${"y".repeat(7000)}`,
];

describe("I10 a query", () => {
  test.each(QUERIES)("%.60s is refused", async (query) => {
    const answer = await call<Problem>(gateway, "GET", `/tasks?${query}`, "", gateway.keys.api);
    expectRefused(answer, "invalid_request", 400);
  });
});

describe("I10 a header", () => {
  const plan = (headers: Record<string, string>) =>
    call<Problem>(gateway, "POST", "/plan", wait, gateway.keys.api, headers);

  test.each(["x".repeat(256), "two words", "ü"])(
    "Idempotency-Key: %.20s is refused",
    async (key) => {
      expectRefused(await plan({ "idempotency-key": key }), "invalid_request", 400);
    },
  );

  test.each(["abc", "-1", "1.5", "1".repeat(30)])("Last-Event-ID: %s is refused", async (id) => {
    const headers = { "last-event-id": id };
    const answer = await call<Problem>(gateway, "GET", "/events", "", gateway.keys.api, headers);
    expectRefused(answer, "invalid_request", 400);
  });

  test.each(["Basic YTpi", "Bearer", "Bearer ", "bearer  x y", "Digest x", "\u00ff"])(
    "Authorization: %s is no way in",
    async (authorization) => {
      const answer = await call<Problem>(gateway, "POST", "/plan", wait, {}, { authorization });
      expectRefused(answer, "token_invalid", 401);
    },
  );
});

describe("I10 many keys and values", () => {
  const many = (unit: string, count: number) => Array.from({ length: count }, () => unit).join();
  const keys = Array.from({ length: 100_000 }, (_, n) => `"k${n}":1`).join();

  test.each([
    ["keys of parameters", `{"action":"wait","parameters":{${keys}}}`, /more than 1000 keys/],
    ["keys of the body", `{${keys}}`, /more than 1000 keys/],
    [
      "items",
      `{"action":"wait","parameters":{"x":[${many("1", 200_000)}]}}`,
      /more than 100000 val/,
    ],
    ["steps", `{"steps":[${many('{"action":"a"}', 60_000)}]}`, /more than 100000 values/],
  ])("%s are refused at the first too many, and cost no memory", async (_name, body, detail) => {
    const answer = await planBytes(body);
    expectRefused(answer, "invalid_request", 400);
    expect(answer.body.detail).toMatch(detail);
  });
});

describe("I10 a large body with credentials that it cannot make right", () => {
  const body = JSON.stringify({ action: "wait", parameters: { x: "x".repeat(1_000_000) } });
  const signed = (headers: Record<string, string>) => ({
    "x-timestamp": String(Date.now()),
    "x-signature": `${"A".repeat(43)}=`,
    ...headers,
  });

  test.each([
    ["an unknown key", () => signed({ "x-key-id": "nobody" }), "signature_invalid"],
    ["a time long past", () => signed({ "x-timestamp": "1" }), "timestamp_out_of_window"],
    ["half a signature", () => ({ "x-timestamp": "1" }), "signature_missing"],
    ["a token of nobody", () => ({ authorization: "Bearer nobody" }), "token_invalid"],
  ])("%s is refused before the body is sent", async (_name, headers, code) => {
    // Not one byte of the body is sent: the answer comes for the headers alone.
    const head = rawText("POST /plan", {
      ...headers(),
      "content-type": "application/json",
      "content-length": String(body.length),
    });
    const socket = await openSocket(gateway);
    socket.write(head);
    const answer = toAnswer<Problem>(await readToEnd(socket));
    expectRefused(answer, code, 401);
  });
});
