import { expect, it } from "vitest";
import { isLoopbackHost } from "./loopback-host.ts";

it.each(["127.0.0.1", "127.8.9.10", "::1", "[::1]", "::ffff:127.0.0.1", "localhost", "LocalHost"])(
  "%s is loopback",
  (host) => expect(isLoopbackHost(host)).toBe(true),
);

it.each(["0.0.0.0", "::", "10.0.0.1", "127.1", "localhost.example.com", "127.0.0.1.nip.io", ""])(
  "%j is not loopback",
  (host) => expect(isLoopbackHost(host)).toBe(false),
);
