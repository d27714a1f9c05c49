import { beforeAll, describe, expect, it } from "vitest";
import { createTestDeps } from "../../test/support/http/test-deps.ts";
import { describeApi } from "./openapi.ts";
import { createRoutes } from "./routes.ts";

const routes = createRoutes(createTestDeps().deps);

interface Operation {
  operationId: string;
  security: Record<string, unknown>[];
  requestBody?: { required: boolean };
  parameters?: { name: string; in: string }[];
  responses: Record<string, { description: string; content: Record<string, { schema: unknown }> }>;
}

type Api = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, unknown> };
};

let api: Api;
beforeAll(async () => {
  api = (await describeApi(routes, "1.2.3", "http://localhost:8089")) as Api;
});

const operation = (method: string, path: string) => {
  const found = api.paths[path]?.[method];
  if (found === undefined) throw new Error(`no ${method} ${path}`);
  return found;
};

describe("the description of the API", () => {
  it("is OpenAPI 3.1 by its own schema", async () => {
    const { Validator } = await import("@seriousme/openapi-schema-validator");
    const validator = new Validator();
    expect(await validator.validate(structuredClone(api))).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  it("has every route, in order, and nothing else", () => {
    expect(Object.keys(api.paths)).toEqual([...new Set(routes.map(({ path }) => path))]);
    const ids = Object.values(api.paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(ids).toEqual(routes.map(({ operationId }) => operationId));
    const named = ids.filter((id) => id !== undefined);
    expect(new Set(named).size).toBe(named.length);
  });

  it("I11 has no id for what confirms or is no operation, so that no tool is made of it", () => {
    const nameless = routes.filter(({ operationId }) => operationId === undefined);
    expect(nameless.map(({ path }) => path)).toEqual([
      "/confirm",
      "/confirm/challenge",
      "/grants",
      "/console",
      "/console/{page}",
      "/console/{page}/{item}",
      "/console/assets/{file}",
      "/cards",
      "/cards/open",
      "/cards/state",
      "/cards/decide",
      "/cards/picture",
      "/mcp",
      "/mcp",
      "/mcp",
      "/desktops/{desktop}/takeover",
      "/desktops/{desktop}/takeover",
      "/desktops/{desktop}/input",
      "/desktops/{desktop}/vnc",
      "/keys",
      "/keys",
      "/keys/{key_id}/rotate",
      "/keys/{key_id}",
      "/session",
      "/session/link",
      "/session/enrol/options",
      "/session/enrol",
      "/session/passkey/options",
      "/session/passkey",
      "/session/password",
      "/session/step-up",
      "/session",
      "/session/passkeys",
      "/session/passkeys/options",
      "/session/passkeys",
      "/session/passkeys/{passkey_id}",
      "/people",
      "/people",
      "/people/{person_id}/link",
      "/people/{person_id}/vouch",
      "/people/{person_id}",
      "/people/invitations/{invitation_id}",
    ]);
  });

  it("is the same text every time", async () => {
    expect(JSON.stringify(await describeApi(routes, "1.2.3", "http://localhost:8089"))).toBe(
      JSON.stringify(api),
    );
  });

  it("refers only to schemas it has", () => {
    const references = [
      ...JSON.stringify(api).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g),
    ];
    const named = new Set(references.map(([, name]) => name));
    expect(named).toContain("TaskView");
    expect(named).toContain("Problem");
    for (const name of named) expect(api.components.schemas).toHaveProperty(name ?? "");
  });

  it("says who may call what, and what must be sent", () => {
    expect(operation("get", "/health").security).toEqual([]);
    expect(operation("post", "/plan").security).toContainEqual({ bearer: [] });
    expect(operation("post", "/plan").security).toContainEqual({ signature: [], timestamp: [] });
    expect(operation("get", "/events").security[0]).toEqual({});
    expect(operation("post", "/plan").requestBody?.required).toBe(true);
    expect(operation("post", "/stop").requestBody?.required).toBe(false);
    const names = operation("get", "/events").parameters?.map(({ name }) => name);
    expect(names).toEqual(["task_id", "since", "Last-Event-ID"]);
  });

  it("names the error codes of each status", () => {
    const { responses } = operation("post", "/execute");
    expect(responses["409"]?.description).toContain("`plan_mismatch`");
    expect(Object.keys(responses["409"]?.content ?? {})).toEqual(["application/problem+json"]);
    expect(responses["202"]?.content["application/json"]?.schema).toEqual({
      $ref: "#/components/schemas/ExecuteView",
    });
  });
});
