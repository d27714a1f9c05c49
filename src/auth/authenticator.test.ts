// Over 400 lines: every scheme is tried on one authenticator with the same keys, so that how they mix is seen.
import { createHash, createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { GatewayError } from "../contract/errors.ts";
import type { KeyDefinition } from "../contract/key.ts";
import type { Scope } from "../contract/principal.ts";
import { Authenticator, type SignedRequest } from "./authenticator.ts";
import { KeyRing } from "./key-ring.ts";
import type { ReplayStore, SeenSignature } from "./replay-store.ts";

const NOW = 1_700_000_000_000;
const SECRET = "a secret of the default key";

/** Answers after a turn of the event loop, as a store does; keeps all it was given. */
class MemoryReplayStore implements ReplayStore {
  readonly kept: SeenSignature[] = [];
  durable: Promise<void> = Promise.resolve();

  async remember(signature: SeenSignature) {
    const same = (seen: SeenSignature) =>
      seen.keyId === signature.keyId && Buffer.from(seen.mac).equals(signature.mac);
    const fresh = !this.kept.some(same);
    if (fresh) this.kept.push(signature);
    await new Promise(setImmediate);
    return { fresh, durable: this.durable };
  }

  async has({ keyId, mac }: SeenSignature) {
    return this.kept.some((seen) => seen.keyId === keyId && Buffer.from(seen.mac).equals(mac));
  }

  async prune(now: number) {
    this.kept.splice(0, this.kept.length, ...this.kept.filter(({ forgetAt }) => forgetAt >= now));
  }
}

function define(
  keyId: string,
  scheme: "hmac" | "bearer",
  secret: string,
  scopes: Scope[],
): KeyDefinition {
  const principal = {
    keyId,
    scheme,
    scopes: new Set(scopes),
    capabilities: null,
    desktops: null,
    trustedApprovalSurface: false,
  };
  const bytes =
    scheme === "hmac" ? Buffer.from(secret) : createHash("sha256").update(secret).digest();
  return { principal, secret: bytes };
}

const KEYS = [
  define("default", "hmac", SECRET, ["plan", "execute", "read"]),
  define("other", "hmac", "a secret of the other key", ["plan"]),
  define("api", "bearer", "token-of-api", ["plan", "execute", "read"]),
];

let ring: KeyRing;
let replays: MemoryReplayStore;
let security: { require_signature: boolean; signature_tolerance_ms: number };
let now: number;
let authenticator: Authenticator;

beforeEach(() => {
  ring = new KeyRing(KEYS);
  replays = new MemoryReplayStore();
  security = { require_signature: true, signature_tolerance_ms: 300_000 };
  now = NOW;
  authenticator = new Authenticator({ ring, replays, security: () => security, now: () => now });
});

const sign = (message: string, secret = SECRET) =>
  createHmac("sha256", secret).update(message).digest();

interface Given {
  body?: string;
  /** What the client signed in place of the body. */
  signed?: string;
  timestamp?: number | string;
  secret?: string;
  form?: "body" | "request";
  method?: string;
  target?: string;
  headers?: IncomingHttpHeaders;
  spelling?: (mac: Buffer) => string;
}

function request(given: Given = {}): SignedRequest {
  const { body = "", timestamp = NOW, method = "POST", target = "/plan", form = "body" } = given;
  const { spelling = (mac) => mac.toString("base64") } = given;
  const bound = form === "body" ? "" : `${method} ${target}:`;
  const mac = sign(`${timestamp}:${bound}${given.signed ?? body}`, given.secret);
  return {
    method,
    target,
    form,
    body: Buffer.from(body),
    headers: {
      host: "localhost",
      "x-timestamp": String(timestamp),
      "x-signature": spelling(mac),
      ...given.headers,
    },
  };
}

const bare = (headers: IncomingHttpHeaders): SignedRequest => ({ ...request(), headers });

async function refusal(signed: SignedRequest): Promise<GatewayError> {
  try {
    await authenticator.authenticate(signed);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}
const codeOf = async (signed: SignedRequest) => (await refusal(signed)).code;
const keyOf = async (signed: SignedRequest) =>
  (await authenticator.authenticate(signed))?.principal.keyId;

describe("legacy signature", () => {
  it("accepts the seed's example", async () => {
    const body = '{"action":"fs.read","parameters":{"path":"/tmp/test.txt"}}';
    const credentialed = await authenticator.authenticate(request({ body }));
    expect(credentialed?.principal).toBe(ring.principal("default"));
    expect(credentialed?.unsigned).toBeUndefined();
    await credentialed?.durable;
    expect(replays.kept).toEqual([
      { keyId: "default", timestamp: NOW, mac: sign(`${NOW}:${body}`), forgetAt: NOW + 300_000 },
    ]);
  });

  // Signed with json.dumps(separators=(",", ":")), sent as requests with json= does.
  it.each([
    [
      '{"action":"fs.write","parameters":{"path":"/tmp/a b","content":"x, y: z"}}',
      '{"action": "fs.write", "parameters": {"path": "/tmp/a b", "content": "x, y: z"}}',
    ],
    ['{"a":"\\u00e9\\u4e2d\\ud83d\\ude00"}', '{"a": "\\u00e9\\u4e2d\\ud83d\\ude00"}'],
    ['{"a":"é中😀"}', '{"a": "é中😀"}'],
    ['{"x":1.0,"y":1e3,"z":-0.0}', '{"x": 1.0, "y": 1e3, "z": -0.0}'],
    [
      '{"quote":"\\" : \\\\","b":[1,2]}',
      '{\n  "quote": "\\" : \\\\",\n  "b": [\n    1,\n    2\n  ]\n}',
    ],
  ])("accepts %s signed compact and sent with white space, or as sent", async (compact, spaced) => {
    expect(await keyOf(request({ body: spaced, signed: compact }))).toBe("default");
    expect(await keyOf(request({ body: spaced, timestamp: NOW + 1 }))).toBe("default");
    expect(await keyOf(request({ body: compact, timestamp: NOW + 2 }))).toBe("default");
  });

  it("accepts any JSON indented in any way under the signature of its compact form", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue(),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 99_999 }),
        async (value, indent, age) => {
          replays.kept.length = 0;
          const body = JSON.stringify(value, null, indent);
          expect(
            await keyOf(request({ body, signed: JSON.stringify(value), timestamp: NOW - age })),
          ).toBe("default");
        },
      ),
    );
  });

  it("never accepts the signature of a re-serialised body", async () => {
    expect(await codeOf(request({ body: '{"x":1.0}', signed: '{"x":1}' }))).toBe(
      "signature_invalid",
    );
    expect(await codeOf(request({ body: '{"a":"\\u00e9"}', signed: '{"a":"é"}' }))).toBe(
      "signature_invalid",
    );
    expect(await codeOf(request({ body: '{"a":"x y"}', signed: '{"a":"xy"}' }))).toBe(
      "signature_invalid",
    );
  });

  it("I9 binds method and target everywhere but on /plan and /execute", async () => {
    const signed = request({ form: "request", method: "GET", target: "/tasks?limit=1" });
    expect(await keyOf(signed)).toBe("default");
    const again = request({
      form: "request",
      method: "GET",
      target: "/tasks?limit=1",
      timestamp: NOW + 1,
    });
    expect(await codeOf({ ...again, target: "/tasks?limit=2" })).toBe("signature_invalid");
    expect(await codeOf({ ...again, method: "DELETE" })).toBe("signature_invalid");
    expect(await codeOf({ ...again, form: "body" })).toBe("signature_invalid");
    expect(await codeOf({ ...request({ body: "{}" }), form: "request" })).toBe("signature_invalid");
    const confirm = {
      form: "request",
      method: "POST",
      target: "/confirm",
      timestamp: NOW + 2,
    } as const;
    expect(await keyOf(request({ ...confirm, body: '{ "a": 1 }', signed: '{"a":1}' }))).toBe(
      "default",
    );
  });

  it("I9 accepts one signature once, of a hundred in parallel and ever after", async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, () => authenticator.authenticate(request({ body: "{}" }))),
    );
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [outcome.reason.code] : [],
    );
    expect(refused).toEqual(Array(99).fill("signature_replayed"));
    expect(await codeOf(request({ body: "{}" }))).toBe("signature_replayed");
  });

  it("I9 knows a used signature in other spellings, and over the body's other white space", async () => {
    const body = '{"a":1}';
    expect(await keyOf(request({ body }))).toBe("default");
    const spellings: ((mac: Buffer) => string)[] = [
      (mac) => mac.toString("base64url"),
      (mac) => mac.toString("base64").replace("=", ""),
      (mac) => `${mac.toString("base64")}=`,
      (mac) => mac.toString("base64").replace(/^../, "$& "),
      // The last two bits of 43 characters mean nothing.
      (mac) =>
        mac
          .toString("base64")
          .replace(/.=$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`),
    ];
    for (const spelling of spellings) {
      expect(await codeOf(request({ body, spelling }))).toBe("signature_replayed");
    }
    expect(await codeOf(request({ body: '{ "a": 1 }', signed: body }))).toBe("signature_replayed");
  });

  it("I9 takes the window from the policy of the moment, to both sides", async () => {
    for (const age of [-300_000, 300_000]) {
      expect(await keyOf(request({ timestamp: NOW - age }))).toBe("default");
    }
    for (const age of [-300_001, 300_001]) {
      expect(await codeOf(request({ timestamp: NOW - age }))).toBe("timestamp_out_of_window");
    }
    security = { ...security, signature_tolerance_ms: 1000 };
    expect(await codeOf(request({ timestamp: NOW - 1001 }))).toBe("timestamp_out_of_window");
    expect((await refusal(request({ timestamp: 1_700_000_000 }))).extras.hint).toContain(
      "milliseconds",
    );
    expect(replays.kept).toHaveLength(2);
  });

  it("I9 says that a clock which was set back is why it cannot know a signature", async () => {
    replays.remember = async () => ({
      fresh: false,
      isForgotten: true,
      durable: Promise.resolve(),
    });
    const refused = await refusal(request({ timestamp: NOW }));
    expect(refused.code).toBe("timestamp_out_of_window");
    expect(refused.extras.hint).toContain("clock");
  });

  it("I9 takes nothing back in that was forgotten under a narrower window", async () => {
    const old = request({ timestamp: NOW });
    expect(await keyOf(old)).toBe("default");
    now = NOW + 300_001;
    await replays.prune(now);
    expect(replays.kept).toEqual([]);
    security = { ...security, signature_tolerance_ms: 3_600_000 };
    expect(await codeOf(old)).toBe("timestamp_out_of_window");
    expect(await keyOf(request({ timestamp: NOW + 1 }))).toBe("default");
    now = NOW + 3_000_000;
    expect(await keyOf(request({ timestamp: NOW + 2 }))).toBe("default");
    expect(await codeOf(old)).toBe("timestamp_out_of_window");
  });

  it.each([
    "",
    " 1700000000000",
    "+1700000000000",
    "01700000000000",
    "-1",
    "1.7e12",
    "1700000000000.0",
    "0x18b",
    "17000000000000000",
    "1700000000000, 1700000000000",
    "now",
  ])("refuses the timestamp %j though it is signed", async (timestamp) => {
    expect(await codeOf(request({ timestamp }))).toBe("signature_invalid");
  });

  it("refuses a MAC that is not 32 bytes, and headers sent twice", async () => {
    const twice = (mac: Buffer) => `${mac.toString("base64")}, ${mac.toString("base64")}`;
    for (const spelling of [
      (mac: Buffer) => mac.toString("hex"),
      (mac: Buffer) => mac.toString("base64").slice(0, 20),
      twice,
      () => "",
    ]) {
      expect(await codeOf(request({ spelling }))).toBe("signature_invalid");
    }
    for (const headers of [
      { "x-key-id": "default, default" },
      { "x-key-id": ["default", "default"] },
    ]) {
      expect(await codeOf(request({ headers }))).toBe("signature_invalid");
    }
  });

  it("names what is missing of a signature", async () => {
    expect(await codeOf(bare({ "x-signature": "AAAA" }))).toBe("signature_missing");
    expect(await codeOf(bare({ "x-timestamp": String(NOW) }))).toBe("signature_missing");
    expect(await codeOf(bare({ "x-key-id": "default" }))).toBe("signature_missing");
  });

  it("answers an unknown key, another key's secret and a bearer key like a wrong MAC", async () => {
    const refusals = await Promise.all(
      [
        request({ secret: "wrong" }),
        request({ headers: { "x-key-id": "nobody" } }),
        request({ headers: { "x-key-id": "__proto__" } }),
        request({ headers: { "x-key-id": "other" } }),
        request({ headers: { "x-key-id": "api" }, secret: "token-of-api" }),
        request({ headers: { "x-key-id": "" } }),
      ].map(refusal),
    );
    for (const { code, detail, extras } of refusals) {
      expect({ code, detail, extras }).toEqual({
        code: "signature_invalid",
        detail: refusals[0]?.detail,
        extras: refusals[0]?.extras,
      });
    }
    expect(refusals[0]?.extras.hint).toContain("Usual mistakes");
  });

  it("I10 writes nothing for a request that is not authenticated", async () => {
    await refusal(request({ secret: "wrong" }));
    await refusal(request({ timestamp: NOW - 999_999 }));
    await refusal(request({ headers: { "x-key-id": "nobody" } }));
    expect(replays.kept).toEqual([]);
  });

  it("keeps keys apart: the same message of another key is another signature", async () => {
    const other = { headers: { "x-key-id": "other" }, secret: "a secret of the other key" };
    expect(await keyOf(request({ body: "{}" }))).toBe("default");
    expect(await keyOf(request({ body: "{}", ...other }))).toBe("other");
  });

  it("I15 refuses a key from the moment it is revoked", async () => {
    ring.replace(KEYS.filter(({ principal }) => principal.keyId !== "default"));
    expect(await codeOf(request())).toBe("signature_invalid");
  });

  it("hands on what the store says of durability, and survives nobody asking", async () => {
    const failed = new GatewayError("audit_unavailable", "the disk is full");
    const { promise, reject } = Promise.withResolvers<void>();
    replays.durable = promise;
    const credentialed = await authenticator.authenticate(request());
    reject(failed);
    await new Promise(setImmediate);
    await expect(credentialed?.durable).rejects.toBe(failed);
  });
});

describe("RFC 9421", () => {
  it.each(["signature", "signature-input", "signature-agent"])(
    "I9 never falls back to the legacy scheme beside a %s header",
    async (name) => {
      for (const signed of [request({ headers: { [name]: "x" } }), bare({ [name]: "x" })]) {
        const { code, detail } = await refusal(signed);
        expect(code).toBe("signature_invalid");
        expect(detail).toContain("RFC 9421");
      }
    },
  );
});

describe("bearer token", () => {
  it.each(["Bearer token-of-api", "bearer  token-of-api"])("accepts %j", async (authorization) => {
    const credentialed = await authenticator.authenticate(bare({ authorization }));
    expect(credentialed?.principal.keyId).toBe("api");
    await credentialed?.durable;
    expect(replays.kept).toEqual([]);
  });

  it.each([
    "Bearer token-of-nobody",
    "Bearer ",
    "Bearer",
    "",
    "token-of-api",
    "Basic YTpi",
    "Bearer token-of-api token-of-api",
    `Bearer ${SECRET}`,
    "Bearer a",
  ])("refuses %j", async (authorization) => {
    expect(await codeOf(bare({ authorization }))).toBe("token_invalid");
  });

  it("does not take the secret of a signing key as a token", async () => {
    ring.replace([...KEYS, define("plain", "hmac", "no-spaces-in-this-one", ["read"])]);
    expect(await codeOf(bare({ authorization: "Bearer no-spaces-in-this-one" }))).toBe(
      "token_invalid",
    );
  });

  it("refuses a token beside a signature: the client must choose", async () => {
    const both = request({ headers: { authorization: "Bearer token-of-api" } });
    const { code, detail } = await refusal(both);
    expect(code).toBe("signature_invalid");
    expect(detail).toContain("both");
  });

  it("I15 refuses a token from the moment it is revoked", async () => {
    ring.replace([]);
    expect(await codeOf(bare({ authorization: "Bearer token-of-api" }))).toBe("token_invalid");
  });
});

describe("no credentials", () => {
  it("is undefined where policy requires a signature", async () => {
    expect(await authenticator.authenticate(bare({ host: "localhost" }))).toBeUndefined();
  });

  it("is the key default, marked, where policy does not; what is presented is verified all the same", async () => {
    security = { ...security, require_signature: false };
    const credentialed = await authenticator.authenticate(bare({}));
    expect(credentialed).toMatchObject({ unsigned: true, principal: { keyId: "default" } });
    expect(await codeOf(request({ secret: "wrong" }))).toBe("signature_invalid");
    expect(await codeOf(bare({ authorization: "Bearer wrong" }))).toBe("token_invalid");
    ring.replace([]);
    expect(await authenticator.authenticate(bare({}))).toBeUndefined();
  });
});
