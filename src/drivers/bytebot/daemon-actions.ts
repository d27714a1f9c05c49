import type { DaemonRequest } from "../../tasks/agent-guard.ts";
import { keyOfCharacter } from "./key-names.ts";

/** Keys, by ByteBot's names, and buttons. */
export interface Inputs {
  readonly keys: readonly string[];
  readonly buttons: readonly string[];
}

/** What is known of an action of the daemon before it is sent. */
export interface Traits {
  /** Whether sending it twice does more than sending it once. */
  readonly hasEffect: boolean;
  /** ms the daemon takes at most while it is well, without what the network takes. */
  readonly durationMs: number;
  /** What it leaves held should it end in the middle. */
  readonly presses: Inputs;
  /** Bytes of the longest answer that makes sense. */
  readonly maxAnswer: number;
}

type Entry = (request: DaemonRequest) => Partial<Traits>;

// Times were measured on two slow cores and have some room: ByteBot pauses 100 ms after every press
// and every release, whatever the machine.
const PRESS_MS = 110;
const CHARACTER_MS = 210;
const CLICK_MS = 420;
const NOTCH_MS = 270;
const POINT_MS = 10;

const SHORT_ANSWER = 64 * 1024;
const SCREENSHOT = 40 * 1024 * 1024;
/** Its upload limit, which base64 of a file stays under as well. */
const FILE = 50 * 1024 * 1024;

const ACTIONS: Readonly<Record<string, Entry>> = {
  move_mouse: () => ({ durationMs: 50 }),
  trace_mouse: (request) => ({
    durationMs: 100 + POINT_MS * lengthOf(request.path) + holdMs(request),
    presses: { keys: textsOf(request.holdKeys), buttons: [] },
  }),
  click_mouse: (request) => ({
    durationMs: CLICK_MS * Math.max(1, numberOf(request.clickCount)) + holdMs(request),
    presses: { keys: textsOf(request.holdKeys), buttons: buttonsOf(request) },
  }),
  press_mouse: (request) => ({
    durationMs: 2 * PRESS_MS,
    presses: { keys: [], buttons: buttonsOf(request) },
  }),
  drag_mouse: (request) => ({
    durationMs: 4 * PRESS_MS + POINT_MS * lengthOf(request.path) + holdMs(request),
    presses: { keys: textsOf(request.holdKeys), buttons: buttonsOf(request) },
  }),
  scroll: (request) => ({
    durationMs: NOTCH_MS * Math.max(1, numberOf(request.scrollCount)) + holdMs(request),
    presses: { keys: textsOf(request.holdKeys), buttons: [] },
  }),
  type_keys: (request) => ({
    durationMs: 4 * PRESS_MS + numberOf(request.delay),
    presses: { keys: textsOf(request.keys), buttons: [] },
  }),
  press_keys: (request) => ({
    durationMs: PRESS_MS * (1 + lengthOf(request.keys)),
    presses: { keys: textsOf(request.keys), buttons: [] },
  }),
  type_text: (request) => ({
    durationMs: (CHARACTER_MS + numberOf(request.delay)) * textOf(request.text).length,
    presses: { keys: ["Shift_L", ...keysOfText(textOf(request.text))], buttons: [] },
  }),
  paste_text: () => ({
    durationMs: 1000,
    presses: { keys: ["Control_L", "V"], buttons: [] },
  }),
  wait: (request) => ({ hasEffect: false, durationMs: numberOf(request.duration) }),
  screenshot: () => ({ hasEffect: false, durationMs: 1000, maxAnswer: SCREENSHOT }),
  cursor_position: () => ({ hasEffect: false, durationMs: 50 }),
  application: () => ({ durationMs: 2000 }),
  write_file: () => ({ durationMs: 2000 }),
  read_file: () => ({ hasEffect: false, durationMs: 2000, maxAnswer: FILE }),
};

/** Of an action that is not known nothing good is assumed. */
export function traitsOf(request: DaemonRequest): Traits {
  const entry = Object.hasOwn(ACTIONS, request.action) ? ACTIONS[request.action] : undefined;
  return {
    hasEffect: true,
    durationMs: 1000,
    presses: { keys: [], buttons: [] },
    maxAnswer: SHORT_ANSWER,
    ...entry?.(request),
  };
}

/**
 * What a request that broke off after so many ms may have left held, the likeliest first: a letter that
 * stays pressed goes on being typed, and the daemon lets go of ten keys a second.
 */
export function pressesAfter(request: DaemonRequest, elapsedMs: number): Inputs {
  const { presses } = traitsOf(request);
  const text = request.action === "type_text" ? textOf(request.text) : "";
  if (text === "") return presses;
  const at = Math.floor(elapsedMs / (CHARACTER_MS + numberOf(request.delay)));
  const near = [0, -1, 1, -2].map((offset) => text.charAt(at + offset)).join("");
  const keys = new Set([...keysOfText(near), ...presses.keys]);
  return { keys: [...keys], buttons: presses.buttons };
}

function keysOfText(text: string): string[] {
  return [...new Set(text)].flatMap((character) => keyOfCharacter(character) ?? []);
}

function holdMs(request: DaemonRequest): number {
  return 2 * PRESS_MS * lengthOf(request.holdKeys);
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function buttonsOf({ button }: DaemonRequest): string[] {
  return typeof button === "string" ? [button] : [];
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
