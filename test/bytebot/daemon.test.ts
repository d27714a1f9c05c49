import { expect, test } from "vitest";
import { startDaemon } from "./daemon.ts";
import { post, send } from "./test-calls.ts";

const coordinates = { x: 10, y: 20 };
const path = [coordinates, { x: 30, y: 40 }];

const EMPTY: readonly Record<string, unknown>[] = [
  { action: "move_mouse", coordinates },
  { action: "trace_mouse", path, holdKeys: ["Shift_L"] },
  { action: "click_mouse", button: "left", clickCount: 2, coordinates, holdKeys: ["Control_L"] },
  { action: "press_mouse", button: "left", press: "down", coordinates },
  { action: "press_mouse", button: "left", press: "up" },
  { action: "drag_mouse", path, button: "middle" },
  { action: "scroll", direction: "down", scrollCount: 3, coordinates },
  { action: "type_keys", keys: ["Control_L", "c"], delay: 5 },
  { action: "press_keys", keys: ["Shift_L"], press: "down" },
  { action: "press_keys", keys: ["Shift_L"], press: "up" },
  { action: "type_text", text: "Hi {there}\n", delay: 0 },
  { action: "paste_text", text: "日本語" },
  { action: "wait", duration: 50 },
  { action: "application", application: "firefox" },
];

test.each(EMPTY)("$action answers an empty 201", async (action) => {
  await using daemon = await startDaemon();
  const answer = await post(daemon, action);
  expect([answer.status, answer.text]).toEqual([201, ""]);
  expect(answer.headers.get("content-length")).toBe("0");
  expect(answer.headers.get("content-type")).toBeNull();
});

test("screenshot and cursor_position answer with JSON", async () => {
  await using daemon = await startDaemon();
  const { json } = await post(daemon, { action: "screenshot" });
  const png = Buffer.from(String(json.image), "base64");
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1280, 960]);

  daemon.screen.fill(100, 100, 50, 50, [255, 0, 0]);
  const { json: changed } = await post(daemon, { action: "screenshot" });
  expect(changed.image).not.toBe(json.image);

  await post(daemon, { action: "move_mouse", coordinates });
  expect((await post(daemon, { action: "cursor_position" })).json).toEqual(coordinates);
});

test("what is done is seen: keys, buttons, moves, text, applications", async () => {
  await using daemon = await startDaemon();
  await post(daemon, { action: "drag_mouse", path, button: "left", holdKeys: ["shift"] });
  expect(daemon.events).toEqual([
    { kind: "move", x: 10, y: 20 },
    { kind: "key", key: "Shift_L", press: "down" },
    { kind: "button", button: "left", press: "down" },
    { kind: "move", x: 10, y: 20 },
    { kind: "move", x: 30, y: 40 },
    { kind: "button", button: "left", press: "up" },
    { kind: "key", key: "Shift_L", press: "up" },
  ]);
  await post(daemon, { action: "type_text", text: "a~B\n" });
  await post(daemon, { action: "paste_text", text: "∑" });
  await post(daemon, { action: "application", application: "terminal" });
  expect([daemon.typed, daemon.launched, daemon.held.size]).toEqual(["a~B\n∑", ["terminal"], 0]);
  expect(daemon.pointer).toEqual({ x: 30, y: 40 });
});

test("files are written and read, relative to the desktop", async () => {
  await using daemon = await startDaemon();
  const data = Buffer.from("héllo").toString("base64");
  const wrote = await post(daemon, { action: "write_file", path: "notes/a.md", data });
  expect([wrote.status, wrote.json.success]).toEqual([201, true]);
  expect(daemon.files.text("/home/user/Desktop/notes/a.md")).toBe("héllo");
  const read = await post(daemon, { action: "read_file", path: "/home/user/Desktop/notes/a.md" });
  expect([read.status, read.json]).toEqual([
    201,
    { success: true, data, name: "a.md", size: 6, mediaType: "text/markdown" },
  ]);
});

test("a failed file action is 201 with success false", async () => {
  await using daemon = await startDaemon();
  const { status, json } = await post(daemon, { action: "read_file", path: "/nowhere" });
  expect([status, json]).toEqual([201, { success: false, message: expect.any(String) }]);
});

test.each([{}, { action: "format_disk" }, { action: "constructor" }])(
  "a missing or unknown action is a plain 400: %o",
  async (body) => {
    await using daemon = await startDaemon();
    const { status, json } = await post(daemon, body);
    expect([status, json]).toEqual([
      400,
      { message: expect.any(String), error: "Bad Request", statusCode: 400 },
    ]);
  },
);

test("a body of the wrong shape is a 400 that echoes the whole input", async () => {
  await using daemon = await startDaemon();
  const { status, json } = await post(daemon, {
    action: "type_text",
    text: 7,
    note: "s3cret",
  });
  expect([status, Array.isArray(json.message)]).toEqual([400, true]);
  expect(JSON.stringify(json.message)).toContain("s3cret");
});

test("over 50 MB is 413", async () => {
  await using daemon = await startDaemon();
  const data = "A".repeat(50 * 1024 * 1024);
  expect((await post(daemon, { action: "write_file", path: "big", data })).status).toBe(413);
  expect(daemon.files.files.size).toBe(0);
});

test.each([
  { action: "move_mouse" },
  { action: "trace_mouse", path: [] },
  { action: "drag_mouse", path: [], button: "left" },
  { action: "type_keys", keys: ["NoSuchKey"] },
  { action: "type_text", text: "é" },
])("a client's mistake is a 500: %o", async (action) => {
  await using daemon = await startDaemon();
  const { status, json } = await post(daemon, action);
  expect([status, json]).toEqual([
    500,
    { statusCode: 500, message: expect.stringMatching(/^Failed to execute computer action: /) },
  ]);
});

test("every answer allows every origin", async () => {
  await using daemon = await startDaemon();
  const answer = await post(daemon, { action: "cursor_position" });
  expect(answer.headers.get("access-control-allow-origin")).toBe("*");
});

test("with an API key every request needs it", async () => {
  await using daemon = await startDaemon({ apiKey: "k" });
  expect((await post(daemon, { action: "cursor_position" })).status).toBe(401);
  const headers = { authorization: "Bearer k" };
  expect((await post(daemon, { action: "cursor_position" }, { headers })).status).toBe(201);
});

test("any other route is 404", async () => {
  await using daemon = await startDaemon();
  expect((await send("GET", `${daemon.url}/computer-use`)).status).toBe(404);
});
