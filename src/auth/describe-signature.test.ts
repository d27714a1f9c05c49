import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { describeSignature } from "./describe-signature.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

test("both forms of a body with spaces are told, by digest and not by content", () => {
  const account = describeSignature({
    method: "POST",
    target: "/plan?x=1",
    headers: { "x-timestamp": "1700000000000" },
    body: Buffer.from('{"a": "b c"}'),
    form: "body",
  });
  expect(account).toEqual({
    key_id: "default",
    message_starts: "1700000000000:",
    tried: [
      { body: "as sent", bytes: 12, message_sha256: sha256('1700000000000:{"a": "b c"}') },
      { body: "compact", bytes: 11, message_sha256: sha256('1700000000000:{"a":"b c"}') },
    ],
  });
});

test("a route that signs its target shows it, and a compact body is tried once", () => {
  const account = describeSignature({
    method: "GET",
    target: "/tasks?limit=1",
    headers: { "x-timestamp": "1", "x-key-id": "pipelines" },
    body: new Uint8Array(),
    form: "request",
  });
  expect(account).toEqual({
    key_id: "pipelines",
    message_starts: "1:GET /tasks?limit=1:",
    tried: [{ body: "as sent", bytes: 0, message_sha256: sha256("1:GET /tasks?limit=1:") }],
  });
});
