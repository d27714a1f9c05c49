import type { Capability, CapabilityRegistry } from "../capabilities/capability.ts";
import { readKeys } from "../capabilities/keys.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Parameters } from "../contract/task.ts";
import { checkParameters } from "../tasks/plan/step-check.ts";

/** What an agent asks of the daemon, as an action of ours. */
export interface AgentAction {
  readonly capability: Capability;
  /** Checked against the capability's schema and normalised. */
  readonly parameters: Parameters;
}

/**
 * The body of a POST /computer-use as an action of ours. Nothing of it comes through that the
 * capability's own schema does not know. Throws `invalid_request`, and `capability_unknown` for an
 * action the daemon does not have; neither repeats what was sent.
 */
export function translate(registry: CapabilityRegistry, body: unknown): AgentAction {
  if (!isObject(body)) throw malformed("it is no JSON object");
  const { action: name, ...sent } = body;
  const rule = typeof name === "string" ? ACTIONS.get(name) : undefined;
  const capability = rule && registry.get(rule.action);
  if (rule === undefined || capability === undefined) {
    throw new GatewayError("capability_unknown", "The daemon has no such action.", {
      hint: `It has ${[...ACTIONS.keys()].join(", ")}.`,
    });
  }
  const unknown = Object.keys(sent).find((field) => !rule.fields.has(field));
  if (unknown !== undefined) throw malformed(`${name} has no field of that name`);
  const asked = [...rule.fields].flatMap(([field, parameter]): [string, unknown][] => {
    const value = sent[field];
    if (isAbsent(value)) return [];
    if (parameter === PAUSE) return checkPause(value);
    return [[parameter, KEY_LISTS.has(field) ? readKeyNames(value) : value]];
  });
  const parameters = { ...Object.fromEntries(asked), ...rule.always };
  return { capability, parameters: checkParameters(capability, parameters, "/parameters") };
}

interface Rule {
  readonly action: string;
  /** Fields of the daemon and the parameters they become. */
  readonly fields: ReadonlyMap<string, string>;
  readonly always: Parameters;
}

/** Between two keys; checked and left out, the daemon then takes its usual time. */
const PAUSE = "delay";
const MAX_PAUSE_MS = 60_000;

const rule = (action: string, fields: string, always: Parameters = {}): Rule => ({
  action,
  always,
  fields: new Map(
    fields
      .split(" ")
      .filter(Boolean)
      .map((field): [string, string] => [field, PARAMETERS[field] ?? field]),
  ),
});

/** Fields that have another name here. */
const PARAMETERS: Readonly<Record<string, string>> = {
  clickCount: "click_count",
  scrollCount: "scroll_count",
  holdKeys: "hold_keys",
  duration: "duration_ms",
  data: "content",
};

const ACTIONS: ReadonlyMap<string, Rule> = new Map([
  ["move_mouse", rule("mouse.move", "coordinates")],
  ["trace_mouse", rule("mouse.trace", "path holdKeys")],
  ["click_mouse", rule("mouse.click", "button clickCount coordinates holdKeys")],
  ["press_mouse", rule("mouse.press", "button press coordinates")],
  ["drag_mouse", rule("mouse.drag", "path button holdKeys")],
  ["scroll", rule("mouse.scroll", "direction scrollCount coordinates holdKeys")],
  ["type_keys", rule("keyboard.chord", "keys delay")],
  ["press_keys", rule("keyboard.press", "keys press")],
  ["type_text", rule("keyboard.type", "text delay sensitive")],
  ["paste_text", rule("keyboard.paste", "text sensitive")],
  ["wait", rule("wait", "duration")],
  ["screenshot", rule("screen.capture", "")],
  ["cursor_position", rule("screen.cursor", "")],
  ["application", rule("app.open", "application")],
  ["write_file", rule("fs.write", "path data", { encoding: "base64", mode: "overwrite" })],
  ["read_file", rule("fs.read", "path", { encoding: "base64" })],
]);

const KEY_LISTS: ReadonlySet<string> = new Set(["keys", "holdKeys"]);

/** Names of ByteBot's that people do not use; the others are aliases of the capability itself. */
const KEY_NAMES: ReadonlyMap<string, string> = new Map([
  ["leftmeta", "Super_L"],
  ["rightmeta", "Super_R"],
  ...Array.from({ length: 10 }, (_, digit): [string, string] => [`num${digit}`, `${digit}`]),
]);

/** The keys by their names here. What is no list of names is left to the schema. */
function readKeyNames(value: unknown): unknown {
  if (!Array.isArray(value) || !value.every((name) => typeof name === "string")) return value;
  const names = value.map((name) => KEY_NAMES.get(name.toLowerCase()) ?? name);
  try {
    return readKeys("keys", names);
  } catch (error) {
    // Its own message would repeat what was sent.
    throw malformed("a key is not known or named twice", error);
  }
}

/** The daemon takes null for what is not sent, and agents send empty lists. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function checkPause(value: unknown): [] {
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_PAUSE_MS) return [];
  throw malformed(`delay is no whole number of ms up to ${MAX_PAUSE_MS}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(problem: string, cause?: unknown): GatewayError {
  return new GatewayError(
    "invalid_request",
    `The request is malformed: ${problem}.`,
    { hint: "An agent sends what ByteBot's desktop daemon takes, as JSON." },
    cause,
  );
}
