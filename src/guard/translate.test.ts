import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findKey } from "../../test/bytebot/daemon-keys.ts";
import { KEYS } from "../capabilities/keys.ts";
import { capabilities } from "../capabilities/registry.ts";
import { GatewayError } from "../contract/errors.ts";
import { AGENT_ACTIONS } from "../policy/envelope-defaults.ts";
import { daemonRequest } from "./daemon-request.ts";
import { translate } from "./translate.ts";

const rebuilt = (body: unknown) => daemonRequest(translate(capabilities, body));
const at = { x: 1, y: 2 };
const path = [at, { x: 3, y: 4 }];

const REQUESTS: [string, Record<string, unknown>][] = [
  ["mouse.move", { action: "move_mouse", coordinates: at }],
  ["mouse.trace", { action: "trace_mouse", path, holdKeys: ["Shift_L"] }],
  ["mouse.click", { action: "click_mouse", button: "left", clickCount: 2, coordinates: at }],
  ["mouse.press", { action: "press_mouse", button: "right", press: "down" }],
  ["mouse.drag", { action: "drag_mouse", path, button: "left" }],
  ["mouse.scroll", { action: "scroll", direction: "down", scrollCount: 3, coordinates: at }],
  ["keyboard.chord", { action: "type_keys", keys: ["Control_L", "c"] }],
  ["keyboard.press", { action: "press_keys", keys: ["Shift_L"], press: "up" }],
  ["keyboard.type", { action: "type_text", text: "plain\n" }],
  ["keyboard.paste", { action: "paste_text", text: "∑ 日本" }],
  ["wait", { action: "wait", duration: 500 }],
  ["screen.capture", { action: "screenshot" }],
  ["screen.cursor", { action: "cursor_position" }],
  ["app.open", { action: "application", application: "firefox" }],
  ["fs.write", { action: "write_file", path: "/tmp/a", data: "aGk=" }],
  ["fs.read", { action: "read_file", path: "/tmp/a" }],
];

test.each(REQUESTS)("%s comes back as it was asked for: %j", (action, body) => {
  expect(translate(capabilities, body).capability.action).toBe(action);
  expect(rebuilt(body)).toEqual(body);
});

test("every action an agent can take has its request", () => {
  expect(new Set(REQUESTS.map(([action]) => action))).toEqual(AGENT_ACTIONS);
});

describe("what means the same is settled", () => {
  test.each<[Record<string, unknown>, Record<string, unknown>]>([
    [
      { action: "type_keys", keys: ["ctrl+shift", "Enter"], delay: 20 },
      { action: "type_keys", keys: ["Control_L", "Shift_L", "Return"] },
    ],
    [
      { action: "type_keys", keys: ["LeftMeta", "Num5"] },
      { action: "type_keys", keys: ["Super_L", "5"] },
    ],
    [
      { action: "click_mouse", button: "left", clickCount: 1, coordinates: null, holdKeys: [] },
      { action: "click_mouse", button: "left", clickCount: 1 },
    ],
    [
      { action: "type_text", text: "é" },
      { action: "paste_text", text: "é" },
    ],
    [
      { action: "read_file", path: "/tmp/../home/./user//a" },
      { action: "read_file", path: "/home/user/a" },
    ],
    [
      { action: "read_file", path: "a" },
      { action: "read_file", path: "/home/user/Desktop/a" },
    ],
  ])("%j", (asked, settled) => expect(rebuilt(asked)).toEqual(settled));

  test("every key reaches the daemon by a name it knows", () => {
    for (const key of KEYS) expect(findKey(key)).toEqual({ press: expect.any(String) });
  });
});

describe("quirks 3 to 12: what the daemon would take badly is refused", () => {
  const many = (length: number) => Array.from({ length }, () => at);
  test.each<[string, unknown]>([
    ["no object", []],
    ["no action", {}],
    ["an unknown action", { action: "shell" }],
    ["an action of JavaScript's", { action: "constructor" }],
    ["an unknown field", { action: "screenshot", path: "/etc/passwd" }],
    ["a field in another case", { action: "read_file", Path: "/tmp/a" }],
    ["quirk 3: an empty path", { action: "write_file", path: "", data: "aGk=" }],
    ["quirk 3: bytes that are no base64", { action: "write_file", path: "/tmp/a", data: "a!b" }],
    ["quirk 4: a crash key", { action: "type_keys", keys: ["F13"] }],
    ["quirk 4: Clear", { action: "press_keys", keys: ["Clear"], press: "down" }],
    ["quirk 5: a key of JavaScript's", { action: "type_keys", keys: ["constructor"] }],
    ["quirk 5: no key", { action: "type_keys", keys: [] }],
    [
      "quirk 7: a key to hold that is none",
      {
        action: "click_mouse",
        button: "left",
        clickCount: 1,
        holdKeys: ["shift", "nope"],
      },
    ],
    ["quirk 11: beyond 16 bits", { action: "move_mouse", coordinates: { x: 32_768, y: 0 } }],
    ["quirk 11: below zero", { action: "move_mouse", coordinates: { x: -1, y: 0 } }],
    ["no coordinates", { action: "move_mouse" }],
    ["quirk 12: many clicks", { action: "click_mouse", button: "left", clickCount: 1e6 }],
    ["quirk 12: a long scroll", { action: "scroll", direction: "up", scrollCount: 1e6 }],
    ["quirk 12: a long wait", { action: "wait", duration: 3_600_000 }],
    ["quirk 12: 20,000 points", { action: "trace_mouse", path: many(20_000) }],
    ["quirk 12: a long pause", { action: "type_text", text: "a", delay: 1e9 }],
    ["a control character", { action: "type_text", text: "\u001b[A" }],
  ])("%s", (_name, body) => {
    expect(() => rebuilt(body)).toThrow(GatewayError);
  });

  test("whatever is sent, it is refused in our own words or made anew", () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constant("secret-4711"),
      fc.constant(["a", "secret-4711"]),
    );
    const field = fc.constantFrom("keys", "text", "path", "coordinates", "secret-4711", "data");
    const body = fc.tuple(fc.constantFrom(...REQUESTS), fc.dictionary(field, value));
    fc.assert(
      fc.property(body, ([[, usual], sent]) => {
        try {
          const request = rebuilt({ ...usual, ...sent });
          expect(Object.keys(request).sort()).toEqual(
            Object.keys(request)
              .filter((name) => name in usual || FIELDS.has(name))
              .sort(),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
          expect(String(error)).not.toContain("secret-4711");
        }
      }),
    );
  });
});

const FIELDS: ReadonlySet<string> = new Set(REQUESTS.flatMap(([, body]) => Object.keys(body)));
