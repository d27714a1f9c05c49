import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DesktopList } from "../../src/contract/desktop.ts";
import { type Daemon, startDaemon } from "../bytebot/daemon.ts";
import { call } from "../support/call.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { firstOperator, type Person } from "../support/people.ts";
import {
  cutText,
  denial,
  encodings,
  key,
  openSocket,
  pointer,
  qemuKey,
  update,
  type VncViewer,
  watch,
} from "../support/vnc-viewer.ts";

const A = 0x61;
const SHIFT = 0xffe1;

/** Live views over HTTP and WebSocket, with ByteBot's VNC behind the gateway. */
describe("VNC", () => {
  const owned = new AsyncDisposableStack();
  let daemon: Daemon;
  let gateway: Gateway;
  let olga: Person;
  let otto: Person;

  beforeAll(async () => {
    daemon = owned.use(await startDaemon());
    gateway = owned.use(
      await startGateway({
        env: {
          BYTEBOT_URL: daemon.url,
          BYTEBOT_API_KEY: "none",
          DRIVER: "bytebot",
          RETRY_ATTEMPTS: "0",
        },
      }),
    );
    olga = await firstOperator(gateway);
    otto = await olga.invite("Otto", "operator");
  });
  afterAll(() => owned.disposeAsync());

  let opened: AsyncDisposableStack;
  beforeEach(() => {
    opened = new AsyncDisposableStack();
  });
  afterEach(async () => {
    await opened.disposeAsync();
    for (const person of [olga, otto]) await person.call("DELETE", `/desktops/${name}/takeover`);
  });

  const name = "bytebot";
  const view = async (person: Person) => opened.use(await watch(person, name));
  const take = async (person: Person, minutes = 5) => {
    const answer = await person.call("POST", `/desktops/${name}/takeover`, { minutes });
    expect(answer.status).toBe(200);
  };
  const inputs = () => daemon.vncInput.filter(({ kind }) => kind !== "encodings");
  /** Resolves when everything sent so far has been read: a picture comes after it. */
  const settled = async (viewer: VncViewer) => {
    viewer.send(update());
    const head = await viewer.take(16);
    await viewer.take(head.readUInt16BE(8) * head.readUInt16BE(10) * 4);
  };
  const audit = async (type: string) => {
    const { body } = await call<{ records: { type: string; details: Record<string, unknown> }[] }>(
      gateway,
      "GET",
      "/audit?limit=1000",
      undefined,
      gateway.keys.approver,
    );
    return body.records.filter((record) => record.type === type);
  };

  test("shows a desktop, and says so first", async () => {
    const { body } = await olga.call<DesktopList>("GET", "/desktops");
    expect(body.desktops).toMatchObject([{ name, available: true, live: "vnc" }]);
    const viewer = await view(olga);
    await settled(viewer);
    expect((await audit("desktop.viewed")).length).toBe(1);
  });

  test("I17 raw input without a takeover is dropped and reaches nothing", async () => {
    const viewer = await view(olga);
    const before = inputs().length;
    viewer.send(pointer(10, 20, 1));
    viewer.send(key(A, true));
    viewer.send(qemuKey(A, true));
    viewer.send(cutText("rm -rf"));
    await settled(viewer);
    expect(inputs().length).toBe(before);
    expect(daemon.typed).toBe("");
    expect(daemon.clipboard).toBe("");
    await viewer[Symbol.asyncDispose]();
  });

  test("I17 with a takeover it reaches the desktop, in whatever pieces it comes, and is on record", async () => {
    const viewer = await view(olga);
    const before = inputs().length;
    await take(olga);
    const all = Buffer.concat([
      pointer(10, 20, 0),
      key(A, true),
      key(A, false),
      qemuKey(A, true),
      qemuKey(A, false),
      cutText("hello"),
    ]);
    viewer.send(all, 1);
    viewer.send(all, 7);
    viewer.send(all);
    await settled(viewer);
    expect(inputs().length - before).toBe(18);
    expect(daemon.typed).toBe("aaaaaa");
    expect(daemon.pointer).toEqual({ x: 10, y: 20 });
    expect(daemon.clipboard).toBe("hello");
    const [first] = await audit("desktop.input_started");
    expect(first?.details).toEqual({ desktop: name, via: "vnc" });
    await olga.call("DELETE", `/desktops/${name}/takeover`);
    const counts = await audit("desktop.input");
    expect(counts.at(-1)?.details).toMatchObject({ pointer: 3, key: 12, clipboard: 3 });
    expect(JSON.stringify(counts)).not.toContain("hello");
  });

  test("the end of a lease in the middle lets go of what is held, and the view stays", async () => {
    const viewer = await view(olga);
    await take(olga);
    viewer.send(Buffer.concat([key(SHIFT, true), qemuKey(A, true), pointer(5, 5, 1)]));
    await settled(viewer);
    expect([...daemon.held].sort()).toEqual(["Shift_L", "a", "button:left"]);
    const { body } = await olga.call("DELETE", `/desktops/${name}/takeover`);
    expect(body).toEqual({ returned: true });
    await daemon.waitFor(() => daemon.held.size === 0);
    const before = inputs().length;
    viewer.send(key(A, true));
    await settled(viewer);
    expect(inputs().length).toBe(before);
  });

  test("a viewer that goes leaves nothing held", async () => {
    const viewer = await view(olga);
    await take(olga);
    viewer.send(key(SHIFT, true));
    await daemon.waitFor(() => daemon.held.has("Shift_L"));
    await viewer[Symbol.asyncDispose]();
    await daemon.waitFor(() => daemon.held.size === 0);
    await daemon.waitFor(() => daemon.vncViewers === 0);
  });

  test("a half message cannot be finished by somebody's lease, nor another's", async () => {
    const viewer = await view(olga);
    viewer.send(key(A, true).subarray(0, 4));
    await take(olga);
    await olga.call("DELETE", `/desktops/${name}/takeover`);
    const before = inputs().length;
    viewer.send(key(A, true).subarray(4));
    await settled(viewer);
    expect(inputs().length).toBe(before);
  });

  test("while one person has it, another sees nothing of it", async () => {
    const viewer = await view(otto);
    await take(olga);
    expect(await viewer.closed).toBe(4002);
    expect(await denial(openSocket(otto, name))).toEqual([409, "state_changed"]);
    const picture = await otto.fetch("GET", `/desktops/${name}/picture`);
    expect(picture.status).toBe(409);
    expect((await olga.fetch("GET", `/desktops/${name}/picture`)).status).toBe(200);
    const second = await otto.call("POST", `/desktops/${name}/takeover`, { minutes: 1 });
    expect([second.status, (second.body as { code: string }).code]).toEqual([409, "state_changed"]);
    expect((await otto.call("DELETE", `/desktops/${name}/takeover`)).body).toEqual({
      returned: false,
    });
    await olga.call("DELETE", `/desktops/${name}/takeover`);
    await settled(await view(otto));
  });

  test("a stop takes it away at once; the view stays", async () => {
    const viewer = await view(olga);
    await take(olga);
    viewer.send(key(SHIFT, true));
    await settled(viewer);
    await call(gateway, "POST", "/stop", {}, gateway.keys.approver);
    await daemon.waitFor(() => daemon.held.size === 0);
    const before = inputs().length;
    viewer.send(key(A, true));
    await settled(viewer);
    expect(inputs().length).toBe(before);
    const refused = await olga.call("POST", `/desktops/${name}/takeover`, { minutes: 1 });
    expect(refused.status).toBe(503);
    expect((await audit("desktop.returned")).at(-1)?.details.reason).toBe("stopped");
    await call(gateway, "POST", "/resume", {}, gateway.keys.approver);
  });

  test("I15 signing out ends the view and the lease", async () => {
    const viewer = await view(otto);
    await take(otto);
    await otto.call("DELETE", "/session");
    expect(await viewer.closed).toBe(4001);
    const { body } = await olga.call<DesktopList>("GET", "/desktops");
    expect(body.desktops[0]?.lease).toBeUndefined();
    await otto.signIn();
  });

  test("I15 revoking a person ends the view and the lease", async () => {
    const eve = await olga.invite("Eve", "operator");
    const viewer = await view(eve);
    await take(eve);
    await olga.call("DELETE", `/people/${eve.id}`);
    expect(await viewer.closed).toBe(4001);
    // Whoever comes next gets it once the end is on record.
    await take(olga);
    const records = await audit("desktop.returned");
    expect(records.at(-1)?.details).toMatchObject({ person_id: "eve" });
    expect(await denial(openSocket(eve, name))).toEqual([401, "token_invalid"]);
  });

  test.each<[string, Uint8Array]>([
    ["a type nobody knows", Buffer.of(77)],
    ["UltraVNC's file transfer", Buffer.of(7, 1, 0, 0)],
    ["audio of QEMU", Buffer.of(255, 1, 0, 0)],
    ["a clipboard that is too long", cutText("x", 64 * 1024 + 1)],
    ["a clipboard of negative length", cutText("x", 0xffff_fff0)],
    ["too many encodings", Buffer.of(2, 0, 0xff, 0xff)],
  ])("closes the connection on %s", async (_what, bytes) => {
    const viewer = await view(olga);
    await take(olga);
    const before = inputs().length;
    viewer.send(bytes);
    expect(await viewer.closed).toBe(4004);
    expect(inputs().length).toBe(before);
  });

  test("closes the connection on text, and on a message larger than any", async () => {
    const talker = await view(olga);
    talker.websocket.send("hello");
    expect(await talker.closed).toBe(4004);
    const flooder = await view(olga);
    flooder.send(Buffer.alloc(256 * 1024));
    expect(await flooder.closed).toBe(1009);
  });

  test("drops what would shut down or resize the machine, lease or not", async () => {
    const viewer = await view(olga);
    await take(olga);
    const size = Buffer.alloc(24);
    size.set([251, 0, 1, 0, 1, 0, 1]);
    viewer.send(Buffer.concat([Buffer.of(250, 0, 1, 2), size]));
    await settled(viewer);
    expect(daemon.vncInput.filter(({ kind }) => kind === "unknown")).toEqual([]);
  });

  test("tells the server of no encoding that changes how long messages are", async () => {
    const viewer = await view(olga);
    viewer.send(encodings(7, 0, -316, 0xc0a1e5ce, -309, -308, -239, -258, 12345, -27));
    await settled(viewer);
    expect(daemon.vncInput.findLast(({ kind }) => kind === "encodings")).toEqual({
      kind: "encodings",
      encodings: [7, 0, -239, -258, -27],
    });
  });

  test("ends when the desktop's VNC does", async () => {
    const viewer = await view(olga);
    daemon.dropViewers();
    expect(await viewer.closed).toBe(4003);
  });

  test.each<[string, Record<string, string | undefined>, number, string]>([
    ["another site's page", { origin: "https://evil.example" }, 403, "host_not_allowed"],
    ["a page without an origin", { origin: undefined }, 403, "host_not_allowed"],
    ["an opaque origin", { origin: "null" }, 403, "host_not_allowed"],
    ["another Host", { host: "evil.example" }, 403, "host_not_allowed"],
    ["nobody", { cookie: undefined }, 401, "signature_missing"],
    ["a stale cookie", { cookie: `bytebot_session=${"x".repeat(43)}` }, 401, "token_invalid"],
    ["a cross-site request", { "sec-fetch-site": "cross-site" }, 401, "signature_missing"],
  ])("refuses %s", async (_who, headers, status, code) => {
    expect(await denial(openSocket(olga, name, headers))).toEqual([status, code]);
  });

  test("refuses an approver, requesters' keys and an approver's key", async () => {
    const ada = await olga.invite("Ada", "approver");
    expect(await denial(openSocket(ada, name))).toEqual([403, "scope_missing"]);
    const bearer = { cookie: undefined, authorization: `Bearer ${gateway.keys.api.token}` };
    expect(await denial(openSocket(olga, name, bearer))).toEqual([403, "scope_missing"]);
    expect(await denial(openSocket(olga, "attic"))).toEqual([404, "not_found"]);
  });

  test("a session opens so many views and no more", async () => {
    const viewers = await Promise.all([1, 2, 3, 4].map(() => view(olga)));
    expect(await denial(openSocket(olga, name))).toEqual([429, "rate_limited"]);
    await viewers[0]?.[Symbol.asyncDispose]();
    await daemon.waitFor(() => daemon.vncViewers === 3);
    await view(olga);
  });

  test("without an upgrade it is an answer like any other", async () => {
    const { status, body } = await olga.call("GET", `/desktops/${name}/vnc`, undefined, {
      origin: `http://localhost:${gateway.port}`,
    });
    expect([status, (body as { code: string }).code]).toEqual([400, "invalid_request"]);
  });
});
