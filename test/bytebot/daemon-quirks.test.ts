import { once } from "node:events";
import { request } from "node:http";
import { expect, test } from "vitest";
import { type Daemon, startDaemon } from "./daemon.ts";
import { post, send } from "./test-calls.ts";

// The numbers are those of ByteBot's quirks, as the driver's documentation lists them.

const data = Buffer.from("x").toString("base64");

test.each([
  ["/tmp/$(id -u).txt", "id -u"],
  ["/tmp/`reboot`", "reboot"],
  ['/tmp/a"; rm -rf /; "', '; rm -rf /; "'],
])("quirk 1: a path runs commands: %s", async (path, command) => {
  await using daemon = await startDaemon();
  const { json } = await post(daemon, { action: "write_file", path, data });
  expect([json.success, daemon.files.injected]).toEqual([true, [command]]);
  await post(daemon, { action: "read_file", path });
  expect(daemon.files.injected).toEqual([command, command]);
});

test("quirk 2: a path leads anywhere, through .. and links", async () => {
  await using daemon = await startDaemon();
  daemon.files.links.set("/home/user/Desktop/link", "/root");
  await post(daemon, { action: "write_file", path: "../../../etc/passwd", data });
  await post(daemon, { action: "write_file", path: "link/.profile", data });
  expect([...daemon.files.files.keys()]).toEqual(["/etc/passwd", "/root/.profile"]);
});

test.each(["", "/tmp", "/tmp/"])(
  "quirk 3: writing to a directory reports success: '%s'",
  async (path) => {
    await using daemon = await startDaemon();
    const { json } = await post(daemon, { action: "write_file", path, data });
    expect(json.success).toBe(true);
    expect(daemon.files.spoiltDirectories).toEqual([path === "" ? "/home/user/Desktop" : "/tmp"]);
  },
);

test("quirk 3: what is not base64 is decoded all the same", async () => {
  await using daemon = await startDaemon();
  const { json } = await post(daemon, {
    action: "write_file",
    path: "/tmp/a",
    data: "!not base64",
  });
  expect([json.success, daemon.files.files.has("/tmp/a")]).toEqual([true, true]);
});

test.each(["F13", "F24", "Clear", "AudioRepeat", "audiorandom"])(
  "quirk 4: %s resets every connection, and what is held stays so",
  async (key) => {
    await using daemon = await startDaemon();
    await post(daemon, { action: "press_keys", keys: ["Shift_L"], press: "down" });
    await post(daemon, { action: "press_mouse", button: "left", press: "down" });
    const other = post(daemon, { action: "type_text", text: "b".repeat(1000) });
    await Promise.all([
      expect(other).rejects.toThrow("fetch failed"),
      daemon
        .waitFor(() => daemon.typed.length > 1)
        .then(() =>
          expect(post(daemon, { action: "type_keys", keys: [key] })).rejects.toThrow(
            "fetch failed",
          ),
        ),
    ]);
    await daemon.waitFor(() => daemon.idle);
    expect([...daemon.held]).toEqual(expect.arrayContaining(["Shift_L", "button:left"]));
    expect(daemon.typed.length).toBeLessThan(1000);
    expect((await post(daemon, { action: "cursor_position" })).status).toBe(201);
  },
);

test.each(["LeftCmd", "RightCmd", "Menu", "Fn"])("quirk 4: %s is a 500", (key) =>
  expectKey(key, 500),
);

test.each([
  ...["Esc", "Prior", "plus", "+", "-", "[", "cmd", "win", "option", "AltGr", "KP_Enter"],
  "ctrl+c",
])("quirk 5: there is no key %s", (key) => expectKey(key, 500));

test.each(["constructor", "toString", "__proto__"])("quirk 5: %s does nothing", (key) =>
  expectKey(key, 201),
);

test("quirk 5: no keys do nothing", async () => {
  await using daemon = await startDaemon();
  expect((await post(daemon, { action: "type_keys", keys: [] })).status).toBe(201);
  expect(daemon.events).toEqual([]);
});

test.each([
  [["shift", "a"], "A"],
  [["a", "b", "c"], "c"],
  [["Control_L", "a"], ""],
])("quirk 6: type_keys is a chord: %j types '%s'", async (keys, typed) => {
  await using daemon = await startDaemon();
  await post(daemon, { action: "type_keys", keys });
  expect([daemon.typed, daemon.held.size]).toEqual([typed, 0]);
});

test.each([
  { action: "press_keys", keys: ["Control_L", "Alt_L", "bad"], press: "down" },
  { action: "click_mouse", button: "left", clickCount: 1, holdKeys: ["Control_L", "Alt_L", "bad"] },
])("quirk 7: a bad key leaves those before it held: $action", async (action) => {
  await using daemon = await startDaemon();
  expect((await post(daemon, action)).status).toBe(500);
  expect([...daemon.held]).toEqual(["Control_L", "Alt_L"]);
  await post(daemon, { action: "press_keys", keys: ["Control_L", "Alt_L"], press: "up" });
  expect(daemon.held.size).toBe(0);
});

test.each(["é", "\t", "日"])(
  "quirk 8: type_text cannot type %j, but what was before it",
  async (text) => {
    await using daemon = await startDaemon();
    expect((await post(daemon, { action: "type_text", text: `ok${text}no` })).status).toBe(500);
    expect(daemon.typed).toBe("ok");
  },
);

test("quirk 8: type_text types all of printable ASCII", async () => {
  await using daemon = await startDaemon({ latency: 0 });
  const text = `${String.fromCharCode(...Array.from({ length: 95 }, (_, at) => at + 32))}\n`;
  expect((await post(daemon, { action: "type_text", text })).status).toBe(201);
  expect(daemon.typed).toBe(text);
});

test("quirk 9: requests at the same time interleave", async () => {
  await using daemon = await startDaemon();
  const type = (letter: string) => post(daemon, { action: "type_text", text: letter.repeat(300) });
  const first = type("a");
  await daemon.waitFor(() => daemon.typed !== "");
  await Promise.all([first, type("b")]);
  expect(daemon.typed).toHaveLength(600);
  expect(daemon.typed).toMatch(/a.*b.*a.*b/);
});

test("quirk 10: aborting a request does not stop its work", async () => {
  await using daemon = await startDaemon();
  const abort = new AbortController();
  const text = "c".repeat(300);
  const call = post(daemon, { action: "type_text", text }, { signal: abort.signal });
  const outcome = expect(call).rejects.toThrow("aborted");
  await daemon.waitFor(() => daemon.typed !== "");
  abort.abort();
  await outcome;
  await daemon.waitFor(() => daemon.requests[0]?.clientGone);
  expect(daemon.typed.length).toBeLessThan(300);
  await daemon.waitFor(() => daemon.idle);
  expect(daemon.typed).toBe(text);
});

test.each([
  [
    { x: 5000, y: -7 },
    { x: 1279, y: 0 },
  ],
  [
    { x: 32768, y: 65_546 },
    { x: 0, y: 10 },
  ],
])("quirk 11: %j ends up at %j", async (coordinates, pointer) => {
  await using daemon = await startDaemon();
  await post(daemon, { action: "move_mouse", coordinates });
  expect(daemon.pointer).toEqual(pointer);
});

test("quirk 12: nothing is capped", async () => {
  await using daemon = await startDaemon({ latency: 0 });
  await post(daemon, { action: "click_mouse", button: "left", clickCount: 500 });
  await post(daemon, { action: "scroll", direction: "up", scrollCount: 500 });
  await post(daemon, { action: "wait", duration: 1e9 });
  expect(daemon.events).toHaveLength(1500);
});

test("quirk 12: 2,000 invalid points are answered with 64 MB, 20,000 never", async () => {
  await using daemon = await startDaemon();
  const invalid = (count: number) => Array(count).fill({ x: "a", y: 1 });
  const answer = await post(daemon, { action: "trace_mouse", path: invalid(2000) });
  expect(answer.status).toBe(400);
  expect(answer.text.length).toBeGreaterThan(60e6);

  const abort = new AbortController();
  const body = { action: "trace_mouse", path: invalid(20_000) };
  const hanging = post(daemon, body, { signal: abort.signal });
  await daemon.waitFor(() => daemon.requests[1]?.ended);
  expect(daemon.requests[1]?.answeredAt).toBeUndefined();
  abort.abort();
  await expect(hanging).rejects.toThrow("aborted");
});

test("quirk 13: a form is as good as JSON", async () => {
  await using daemon = await startDaemon();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const form = "action=click_mouse&button=left&clickCount=1&coordinates[x]=7&coordinates[y]=8";
  expect((await post(daemon, form, { headers })).status).toBe(201);
  expect(daemon.pointer).toEqual({ x: 7, y: 8 });
});

test("quirk 13: MCP calls the same actions, unchecked", async () => {
  await using daemon = await startDaemon();
  const call = (name: string, args: unknown) =>
    send("POST", `${daemon.url}/mcp`, {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name, arguments: args },
    });
  expect((await call("computer_type_text", { text: "hi" })).status).toBe(200);
  expect(daemon.typed).toBe("hi");
});

test("quirk 14: a plain GET of /websockify breaks the WebSockets after it", async () => {
  await using daemon = await startDaemon();
  expect(await upgrade(daemon)).toContain("RFB 003.008");
  await send("GET", `${daemon.url}/websockify`);
  expect(daemon.websocketsBroken).toBe(true);
  await expect(upgrade(daemon)).rejects.toThrow("socket hang up");
});

async function expectKey(key: string, status: number): Promise<void> {
  await using daemon = await startDaemon();
  expect((await post(daemon, { action: "type_keys", keys: [key] })).status).toBe(status);
  expect(daemon.events).toEqual([]);
}

/** The first bytes of the WebSocket. */
async function upgrade(daemon: Daemon): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const call = request(`${daemon.url}/websockify`, {
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    },
  });
  call.on("error", reject);
  call.on("upgrade", async (_response, socket, head) => {
    const text = head.length > 0 ? head : (await once(socket, "data"))[0];
    socket.destroy();
    resolve(String(text));
  });
  call.end();
  return promise;
}
