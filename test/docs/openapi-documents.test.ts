import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";

/** What linters of OpenAPI (redocly and the like) ask of a document; redocly.yaml has the exceptions. */
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, { readonly description?: string }>>;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}

interface OpenApi {
  readonly info: { readonly license?: { readonly name: string } };
  readonly servers: readonly { readonly url: string }[];
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly security?: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Answers 101. */
const WITHOUT_SUCCESS = ["GET /desktops/{desktop}/vnc"];

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe.each(["/openapi.json", "/tools/openapi.json"])("%s", (address) => {
  test("says what linters ask for", async () => {
    const document = (await (await fetch(gateway.url + address)).json()) as OpenApi;
    expect(document.info.license?.name).toBe("MIT");
    expect(document.servers.map(({ url }) => url)).toEqual([expect.stringMatching(/[^/]$/)]);
    for (const { name, description } of document.tags ?? []) {
      expect([name, description]).toEqual([name, expect.stringMatching(/\.$/)]);
    }
    const tags = document.tags?.map(({ name }) => name) ?? [];
    const ids: string[] = [];
    for (const [path, methods] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const [method, operation] of Object.entries(methods)) {
        const name = `${method.toUpperCase()} ${path}`;
        const statuses = Object.keys(operation.responses);
        const has = (digit: string) => statuses.some((status) => status.startsWith(digit));
        expect([name, has("2")]).toEqual([name, !WITHOUT_SUCCESS.includes(name)]);
        expect([name, has("4")]).toEqual([name, true]);
        expect([name, operation.summary]).toEqual([name, expect.stringMatching(/./)]);
        expect([name, operation.security ?? document.security]).toEqual([name, expect.any(Array)]);
        const inPath = operation.parameters?.filter((parameter) => parameter.in === "path") ?? [];
        expect([name, inPath.map((parameter) => parameter.name)]).toEqual([name, named]);
        expect(tags).toEqual(expect.arrayContaining([...(operation.tags ?? [])]));
        if (operation.operationId !== undefined) ids.push(operation.operationId);
      }
    }
    expect(ids).toEqual([...new Set(ids)]);
    expect(ids.length).toBeGreaterThan(10);
  });
});
