import { lookup } from "node:dns";
import { expect, it, vi } from "vitest";
import { Sender } from "./sender.ts";

vi.mock("node:dns", () => ({ lookup: vi.fn() }));

it.each([
  ["http", ["93.184.216.34"], "http is for private addresses, and the host's is not"],
  ["http", ["127.0.0.1", "93.184.216.34"], "http is for private addresses, and the host's is not"],
  ["http", ["127.0.0.1"], "the connection was refused"],
])("%s to a name of %s", async (scheme, addresses, problem) => {
  vi.mocked(lookup).mockImplementation(((_name: string, _options: object, callback: unknown) => {
    const found = addresses.map((address) => ({ address, family: 4 }));
    (callback as (error: null, found: object[]) => void)(null, found);
  }) as never);
  await using sender = new Sender(`${scheme}://hooks.example:1/`);
  const outcome = await sender.send({ headers: {}, body: "" }, new AbortController().signal);
  expect(outcome).toEqual({ kind: "retry", problem, retryAfterMs: 0 });
});
