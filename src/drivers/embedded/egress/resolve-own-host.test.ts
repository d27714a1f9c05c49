import { lookup } from "node:dns/promises";
import { expect, test, vi } from "vitest";
import { ownEndpoints } from "./own-endpoints.ts";
import { resolveHost } from "./resolve-host.ts";
import { resolveOwnHost } from "./resolve-own-host.ts";

vi.mock("./resolve-host.ts", () => ({ resolveHost: vi.fn() }));
vi.mock("node:dns/promises", () => ({ lookup: vi.fn() }));

const servers = vi.mocked(resolveHost);
const table = vi.mocked(lookup as (host: string) => Promise<unknown>);

function failing(code: string): Error {
  return Object.assign(new Error(code), { code });
}

test("asks the name servers, then the machine's own table, and each not too often", async () => {
  servers.mockResolvedValue(["10.0.0.1"]);
  expect(await resolveOwnHost("known.test")).toEqual(["10.0.0.1"]);
  expect(table).not.toHaveBeenCalled();
  servers.mockRejectedValue(failing("ENOTFOUND"));
  table.mockResolvedValue([{ address: "10.0.0.2", family: 4 }]);
  expect(await resolveOwnHost("table.test")).toEqual(["10.0.0.2"]);
  const asked = servers.mock.calls.length;
  expect(await resolveOwnHost("table.test")).toEqual(["10.0.0.2"]);
  expect(servers.mock.calls.length).toBe(asked);
});

test("I11 a name that is nowhere counts nowhere; one that nobody can tell counts everywhere", async () => {
  servers.mockRejectedValue(failing("ENOTFOUND"));
  const isOwn = ownEndpoints(() => [
    { host: "nowhere.test", port: 443 },
    { host: "unsure.test", port: 80 },
  ]);
  table.mockRejectedValue(failing("ENOTFOUND"));
  expect(await isOwn("93.184.216.34", 443)).toBe(false);
  table.mockRejectedValue(failing("EAI_AGAIN"));
  expect(await isOwn("93.184.216.34", 80)).toBe(true);
});
