import type { Parameters } from "../../contract/task.ts";
import { oneLine } from "../../lib/inert.ts";
import type { Picture } from "../../lib/picture.ts";
import type { InspectContext, Inspection } from "../../tasks/driver.ts";
import { text, textList } from "../step/parameter.ts";
import type { Desktop, Point } from "./desktop.ts";
import { coordinatesOf, pathOf } from "./pointer-parameters.ts";
import type { Screen } from "./screen.ts";
import { type Bound, bindFocus, bindTarget } from "./target-binding.ts";

/** What a pointer action aims at. */
interface Aim {
  /** Empty: where the pointer is. */
  readonly points: readonly Point[];
  /** The point whose surroundings must stay as they are until it runs. */
  readonly bound?: Point;
}

const MAX_TITLE = 100;
const NOTHING: Inspection = { bound: {}, riskFactors: [] };
const NOT_SETTLED = "Earlier steps change the screen, so its target cannot be shown.";
const TERMINAL = "It is a terminal, which shows ^V in place of what is pasted: type it instead.";
const AT_POINTER = "It happens where the pointer is then; the mark shows where it is now.";

const AIMS: Readonly<Record<string, (parameters: Parameters) => Aim>> = {
  "mouse.move": (parameters) => ({ points: listOf(coordinatesOf(parameters)) }),
  "mouse.click": aimAtPoint,
  // Letting go is harmless wherever a button was pressed.
  "mouse.press": (parameters) =>
    parameters.press === "up"
      ? { points: listOf(coordinatesOf(parameters)) }
      : aimAtPoint(parameters),
  "mouse.drag": (parameters) => {
    const points = pathOf(parameters);
    return { points, bound: points[0] };
  },
  "mouse.trace": (parameters) => ({ points: pathOf(parameters) }),
  "mouse.scroll": aimAtPoint,
};

/** What goes to the window that has the focus, as the person is shown it. */
const TYPED: Readonly<Record<string, (parameters: Parameters) => string>> = {
  "keyboard.type": (parameters) => text(parameters, "text"),
  "keyboard.paste": (parameters) => text(parameters, "text"),
  "keyboard.chord": (parameters) => textList(parameters, "keys").join(" + "),
  "keyboard.press": (parameters) => textList(parameters, "keys").join(" + "),
};

/** The points a step names; empty for what names none. */
export function pointsOf(action: string, parameters: Parameters): readonly Point[] {
  return lookUp(AIMS, action)?.(parameters).points ?? [];
}

/**
 * Looks at what a step aims at: for the pointer a screenshot with the target marked, whose
 * surroundings are bound; for typing the window that has the focus. Has no effect. Rejects with
 * `invalid_request` for points outside of the screen.
 */
export async function inspectDesktop(
  desktop: Desktop,
  screen: Screen,
  action: string,
  parameters: Parameters,
  context: InspectContext,
): Promise<Inspection> {
  const aim = lookUp(AIMS, action)?.(parameters);
  if (aim !== undefined) return await inspectAim(desktop, screen, aim, context);
  const typed = lookUp(TYPED, action)?.(parameters);
  if (typed === undefined) return NOTHING;
  return await inspectTyped(desktop, typed, action === "keyboard.paste", context);
}

async function inspectAim(
  desktop: Desktop,
  screen: Screen,
  aim: Aim,
  context: InspectContext,
): Promise<Inspection> {
  using _turn = await context.turn();
  if (!context.isScreenSettled) {
    await screen.requireInside(aim.points, context.signal);
    return { ...NOTHING, preview: { kind: "text", text: NOT_SETTLED } };
  }
  const picture = await screen.look(context.signal);
  await screen.requireInside(aim.points, context.signal);
  const atPointer = aim.points.length === 0;
  const targets = atPointer ? [await desktop.cursor(context.signal)] : aim.points;
  const png = await screen.draw(picture, targets, context.signal);
  return {
    riskFactors: [],
    bound: boundOf(aim, picture, context),
    picture: { png, width: picture.width, height: picture.height, targets },
    ...(atPointer && { preview: { kind: "text", text: AT_POINTER } }),
  };
}

function boundOf({ bound }: Aim, picture: Picture, { targetCheck }: InspectContext): Bound {
  if (bound === undefined || !targetCheck.enabled) return {};
  return bindTarget(picture, bound, targetCheck.radius_px);
}

async function inspectTyped(
  desktop: Desktop,
  typed: string,
  isPasted: boolean,
  context: InspectContext,
): Promise<Inspection> {
  if (desktop.focus === undefined || !context.isScreenSettled) return NOTHING;
  using _turn = await context.turn();
  const focus = await desktop.focus(context.signal);
  const note =
    focus === undefined
      ? "No window has the focus."
      : `Into the window ${JSON.stringify(oneLine(focus.title, MAX_TITLE))}.`;
  const warning = isPasted && focus?.isTerminal === true ? ` ${TERMINAL}` : "";
  return {
    riskFactors: [],
    bound: context.targetCheck.enabled ? bindFocus(focus) : {},
    preview: { kind: "text", text: typed, note: note + warning },
  };
}

function aimAtPoint(parameters: Parameters): Aim {
  const point = coordinatesOf(parameters);
  return point === undefined ? { points: [] } : { points: [point], bound: point };
}

function listOf(point: Point | undefined): readonly Point[] {
  return point === undefined ? [] : [point];
}

function lookUp<Entry>(table: Readonly<Record<string, Entry>>, key: string): Entry | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
