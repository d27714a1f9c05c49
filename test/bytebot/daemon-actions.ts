import type { DaemonFiles } from "./daemon-files.ts";
import type { Button, Desk, Press } from "./desk.ts";
import type { Hands } from "./hands.ts";
import { type Fields, isFields } from "./request-body.ts";

export interface ActionTools {
  readonly hands: Hands;
  readonly desk: Desk;
  readonly files: DaemonFiles;
}

type Perform = (body: Fields, tools: ActionTools) => Promise<unknown>;

/** How the daemon performs each action; what is given becomes the body of its 201. */
const ACTIONS = {
  async move_mouse(body, { hands }) {
    await hands.pause(7);
    await hands.move(pointOf(body.coordinates));
  },
  async trace_mouse(body, { hands }) {
    const path = pathOf(body);
    await hands.pause(6);
    await hands.move(path[0]);
    await hands.hold(textsOf(body.holdKeys), "down");
    for (const point of path) await hands.move(point);
    await hands.hold(textsOf(body.holdKeys), "up");
  },
  async click_mouse(body, { hands }) {
    await moveIfGiven(body, hands);
    await hands.hold(textsOf(body.holdKeys), "down");
    const count = Number(body.clickCount);
    for (let done = 0; done < count; done += 1) {
      await hands.click(body.button as Button);
      await hands.pause(count > 1 ? 150 : 0);
    }
    await hands.hold(textsOf(body.holdKeys), "up");
  },
  async press_mouse(body, { hands }) {
    await moveIfGiven(body, hands);
    await hands.button(body.button as Button, body.press as Press);
  },
  async drag_mouse(body, { hands }) {
    const path = pathOf(body);
    await hands.move(path[0]);
    await hands.hold(textsOf(body.holdKeys), "down");
    await hands.button(body.button as Button, "down");
    for (const point of path) await hands.move(point);
    await hands.button(body.button as Button, "up");
    await hands.hold(textsOf(body.holdKeys), "up");
  },
  async scroll(body, { hands }) {
    await moveIfGiven(body, hands);
    await hands.hold(textsOf(body.holdKeys), "down");
    for (let done = 0; done < Number(body.scrollCount); done += 1) {
      await hands.scroll(String(body.direction));
      await hands.pause(150);
    }
    await hands.hold(textsOf(body.holdKeys), "up");
  },
  async type_keys(body, { hands }) {
    const keys = textsOf(body.keys);
    await hands.chord(keys, "down");
    await hands.pause(Number(body.delay ?? 100));
    await hands.chord(keys, "up");
  },
  async press_keys(body, { hands }) {
    await hands.hold(textsOf(body.keys), body.press as Press);
  },
  async type_text(body, { hands }) {
    for (const character of String(body.text)) {
      await hands.typeCharacter(character);
      await hands.pause(Number(body.delay ?? 0));
    }
  },
  async paste_text(body, { hands }) {
    await hands.setClipboard(String(body.text));
    await hands.pause(150);
    await hands.chord(["LeftControl", "V"], "down");
    await hands.chord(["LeftControl", "V"], "up");
  },
  async wait(body, { hands }) {
    await hands.pause(Number(body.duration));
  },
  async screenshot(_body, { hands, desk }) {
    await hands.pause(250);
    return { image: (await desk.capture()).toString("base64") };
  },
  async cursor_position(_body, { hands, desk }) {
    await hands.pause(4);
    return desk.cursor();
  },
  async application(body, { hands }) {
    await hands.pause(36);
    await hands.launch(String(body.application));
  },
  async write_file(body, { hands, files }) {
    await hands.pause(256);
    return files.write(String(body.path), String(body.data));
  },
  async read_file(body, { hands, files }) {
    await hands.pause(207);
    return files.read(String(body.path));
  },
} satisfies Record<string, Perform>;

export type DaemonAction = keyof typeof ACTIONS;

export function isDaemonAction(name: unknown): name is DaemonAction {
  return typeof name === "string" && Object.hasOwn(ACTIONS, name);
}

/** Rejects where the daemon answers 500. */
export async function performAction(
  action: DaemonAction,
  body: Fields,
  tools: ActionTools,
): Promise<unknown> {
  return await ACTIONS[action](body, tools);
}

interface Point {
  x: number;
  y: number;
}

async function moveIfGiven(body: Fields, hands: Hands): Promise<void> {
  await hands.pause(6);
  if (isFields(body.coordinates)) await hands.move(pointOf(body.coordinates));
}

function pointOf(value: unknown): Point {
  if (!isFields(value)) throw new Error("Cannot read properties of undefined (reading 'x')");
  return { x: Number(value.x), y: Number(value.y) };
}

function pathOf(body: Fields): [Point, ...Point[]] {
  const [first, ...rest] = Array.isArray(body.path) ? body.path : [];
  return [pointOf(first), ...rest.map(pointOf)];
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
