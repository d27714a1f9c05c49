import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CapabilitiesView, ReadyView } from "../../src/contract/service.ts";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { call } from "../support/call.ts";
import { execute, planRequest, task } from "../support/flow.ts";
import { type Credentials, type Gateway, startGateway } from "../support/gateway.ts";

const POLICY = {
  capabilities: {
    "screen.cursor": { enabled: true },
    "keyboard.type": { enabled: true, confirmation: "client" },
  },
};

/** Two of ByteBot's desktops behind one gateway, named in config/bytebot.json. */
describe("several desktops", () => {
  const owned = new AsyncDisposableStack();
  let office: Daemon;
  let files: Daemon;
  let gateway: Gateway;

  beforeAll(async () => {
    office = owned.use(await startDaemon());
    files = owned.use(await startDaemon({ apiKey: "key-of-files" }));
    gateway = owned.use(
      await startGateway({
        policy: POLICY,
        clients: [
          { id: "clerk", scopes: ["plan", "execute", "read"] },
          { id: "visitor", scopes: ["plan", "execute", "read"], desktops: ["files"] },
        ],
        config: {
          "bytebot.json": {
            desktops: [
              { name: "office", url: office.url, api_key: "none" },
              { name: "files", url: files.url, api_key: "key-of-files", keys: ["clerk"] },
            ],
            retry_attempts: 0,
          },
        },
      }),
    );
  });

  afterAll(() => owned.disposeAsync());

  const cursor = (desktop: string | undefined, credentials?: Credentials) =>
    call<{ code: string; detail: string; desktop: string; task_id: string }>(
      gateway,
      "POST",
      "/plan",
      { desktop, steps: [{ action: "screen.cursor" }] },
      credentials,
    );

  test("a plan names one; else it means the first that the key may use", async () => {
    expect((await cursor(undefined)).body.desktop).toBe("office");
    const named = await cursor("files", gateway.keys.clerk);
    expect(named.body.desktop).toBe("files");
    await execute(gateway, named.body.task_id, gateway.keys.clerk);
    expect(files.requests.map(({ action }) => action)).toContain("cursor_position");
    expect(office.requests).toEqual([]);
  });

  test("a key uses the desktops of its own list and of theirs, and learns of no others", async () => {
    const denied = await cursor("files");
    expect([denied.status, denied.body.code]).toEqual([403, "scope_missing"]);
    expect(denied.body.detail).toContain("bytebot.json");
    // The desktop's list leaves it out, although its own names it.
    const visitor = await cursor("files", gateway.keys.visitor);
    expect([visitor.status, visitor.body.code]).toEqual([403, "scope_missing"]);
    const unknown = await cursor("attic");
    expect([unknown.status, unknown.body.code]).toEqual([400, "invalid_request"]);
    const { body } = await call<{ capabilities: Record<string, { desktops: string[] }> }>(
      gateway,
      "GET",
      "/capabilities",
    );
    expect(body.capabilities["screen.cursor"]?.desktops).toEqual(["office"]);
  });

  test("one that hangs holds up nobody on another", async () => {
    office.fail({ action: "type_text", with: "hang" });
    const type = (desktop: string, text: string) => ({
      desktop,
      steps: [{ action: "keyboard.type", parameters: { text } }],
    });
    const stuck = await planRequest(gateway, type("office", "stuck"));
    await call(gateway, "POST", "/execute", { task_id: stuck.task_id });
    await office.waitFor(() => office.requests.some(({ action }) => action === "type_text"));
    const other = await planRequest(gateway, type("files", "moves"), gateway.keys.clerk);
    const done = await execute(gateway, other.task_id, gateway.keys.clerk);
    expect(done.status).toBe("completed");
    expect(files.typed).toBe("moves");
    expect((await task(gateway, stuck.task_id)).status).toBe("running");
    await call(gateway, "POST", `/tasks/${stuck.task_id}/cancel`);
  });

  test("each has its own health and breaker, told by its name", async () => {
    await files.stopListening();
    const { status, body } = await call<{ parts: { driver: { detail: string } } }>(
      gateway,
      "GET",
      "/ready",
    );
    expect(status).toBe(200);
    expect(body.parts.driver.detail).toContain("Desktop files");
    expect(body.parts.driver.detail).not.toContain("Desktop office");
    await files.listenAgain();
  });

  test("one that is down is named, and the others go on; all down is not ready", async () => {
    const ready = async () => {
      const { status, body } = await call<ReadyView>(gateway, "GET", "/ready");
      return [status, body.ready, body.parts.driver] as const;
    };
    expect(await ready()).toEqual([200, true, { ok: true }]);
    await files.stopListening();
    expect(await ready()).toEqual([
      200,
      true,
      {
        ok: true,
        degraded: ["files"],
        detail: expect.stringMatching(/^Desktop files: nothing listens/),
        hint: expect.stringContaining('set url of desktop "files" in bytebot.json to where'),
      },
    ]);
    expect((await cursor("office")).status).toBe(200);
    await office.stopListening();
    expect(await ready()).toMatchObject([503, false, { ok: false }]);
    await office.listenAgain();
    await files.listenAgain();
  });

  test("hints name the file that the desktops are listed in", async () => {
    await files.stopListening();
    const { body } = await cursor("files", gateway.keys.clerk);
    const ended = await execute(gateway, body.task_id, gateway.keys.clerk);
    await files.listenAgain();
    expect(ended.error).toMatchObject({ code: "bytebot_unavailable" });
    expect(ended.error?.hint).toContain('url of desktop "files" in bytebot.json');
    expect(JSON.stringify(ended)).not.toContain("BYTEBOT_URL");
    const capabilities = await call<CapabilitiesView>(gateway, "GET", "/capabilities");
    expect(JSON.stringify(capabilities.body)).not.toContain("BYTEBOT_AGENT_URL");
  });
});
