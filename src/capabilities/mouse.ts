import Type from "typebox";
import type { RiskFactor } from "../policy/decision.ts";
import { INPUT_POLICY } from "./default-policies.ts";
import { defineCapability, refuse } from "./define-capability.ts";
import { isModifier, leavesApplication, readKeys } from "./keys.ts";
import { button, closed, holdKeys, nothing, oneOf, point, points } from "./schema-parts.ts";
import { count } from "./wording.ts";

interface Point {
  x: number;
  y: number;
}

const there = () => Type.Optional(point("Where to; default where the pointer is."));

export const mouseMove = defineCapability({
  action: "mouse.move",
  description: "Move the mouse pointer",
  note: "Moves the pointer without pressing anything.",
  defaultPolicy: INPUT_POLICY,
  risk: "medium",
  lock: "desktop",
  idempotent: true,
  parameters: closed({ coordinates: point("Where to.") }),
  result: nothing(),
  changesScreen: () => false,
  summary: ({ coordinates }) => `Move the mouse${to(coordinates)}`,
});

export const mouseClick = defineCapability({
  action: "mouse.click",
  description: "Click a mouse button",
  note: "Clicks once, twice or three times. Look at the screen first; afterwards look whether it did what was meant.",
  defaultPolicy: INPUT_POLICY,
  risk: "medium",
  lock: "desktop",
  destructive: true,
  parameters: closed({
    coordinates: there(),
    button: Type.Optional(button()),
    click_count: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3,
        default: 1,
        description: "2 is a double click. Default 1, at most 3.",
      }),
    ),
    hold_keys: Type.Optional(holdKeys()),
  }),
  result: nothing(),
  normalise: withModifiers,
  riskFactors: modifierRiskFactors,
  summary: ({ coordinates, button: which, click_count = 1, hold_keys }) =>
    `Click the ${which} button${TIMES[click_count] ?? ""}${at(coordinates)}${holding(hold_keys)}`,
});

export const mousePress = defineCapability({
  action: "mouse.press",
  description: "Press or release a mouse button",
  note: "Presses a mouse button without releasing it, or releases it.",
  defaultPolicy: INPUT_POLICY,
  risk: "medium",
  lock: "desktop",
  destructive: true,
  parameters: closed({
    press: oneOf(["down", "up"], { description: "down holds the button, up releases it." }),
    button: Type.Optional(button()),
    coordinates: there(),
  }),
  result: nothing(),
  // A button that is let go where none was pressed does nothing.
  changesScreen: ({ press }) => press === "down",
  summary: ({ press, button: which, coordinates }) =>
    `${press === "down" ? "Hold down" : "Release"} the ${which} button${at(coordinates)}`,
});

export const mouseDrag = defineCapability({
  action: "mouse.drag",
  description: "Drag with a mouse button held",
  note: "Moves along a path of points with a mouse button held.",
  defaultPolicy: INPUT_POLICY,
  risk: "medium",
  lock: "desktop",
  destructive: true,
  parameters: closed({
    path: points(),
    button: Type.Optional(button()),
    hold_keys: Type.Optional(holdKeys()),
  }),
  result: nothing(),
  normalise: withModifiers,
  riskFactors: modifierRiskFactors,
  summary: ({ path, button: which, hold_keys }) =>
    `Drag with the ${which} button${along(path)}${holding(hold_keys)}`,
});

export const mouseTrace = defineCapability({
  action: "mouse.trace",
  description: "Move the mouse pointer along a path",
  note: "Moves along a path of points without pressing a button.",
  defaultPolicy: INPUT_POLICY,
  risk: "medium",
  lock: "desktop",
  parameters: closed({ path: points(), hold_keys: Type.Optional(holdKeys()) }),
  result: nothing(),
  normalise: withModifiers,
  riskFactors: modifierRiskFactors,
  changesScreen: () => false,
  summary: ({ path, hold_keys }) => `Move the mouse${along(path)}${holding(hold_keys)}`,
});

export const mouseScroll = defineCapability({
  action: "mouse.scroll",
  description: "Scroll",
  note: "Turns the wheel.",
  defaultPolicy: INPUT_POLICY,
  risk: "medium",
  lock: "desktop",
  parameters: closed({
    direction: oneOf(["up", "down", "left", "right"], { description: "Which way." }),
    scroll_count: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 50,
        default: 1,
        description: "Notches of the wheel. Default 1, at most 50.",
      }),
    ),
    coordinates: there(),
    hold_keys: Type.Optional(holdKeys()),
  }),
  result: nothing(),
  normalise: withModifiers,
  riskFactors: modifierRiskFactors,
  summary: ({ direction, scroll_count = 1, coordinates, hold_keys }) =>
    `Scroll ${direction} by ${count(scroll_count, "notch").replace("notchs", "notches")}` +
    `${at(coordinates)}${holding(hold_keys)}`,
});

const TIMES: Readonly<Record<number, string>> = { 2: " twice", 3: " three times" };

const place = ({ x, y }: Point): string => `${x}, ${y}`;
const to = (point: Point): string => ` to ${place(point)}`;
const at = (point: Point | undefined): string => (point === undefined ? "" : ` at ${place(point)}`);
const holding = (keys: readonly string[] | undefined): string =>
  keys === undefined ? "" : ` while holding ${keys.join(" + ")}`;

function along(path: readonly Point[]): string {
  const [first, last] = [path.at(0), path.at(-1)];
  if (first === undefined || last === undefined) return "";
  return ` from ${place(first)}${to(last)} over ${count(path.length, "point")}`;
}

function withModifiers<Held extends { hold_keys?: string[] }>(parameters: Held): Held {
  if (parameters.hold_keys === undefined) return parameters;
  const hold_keys = readKeys("hold_keys", parameters.hold_keys);
  const other = hold_keys.find((key) => !isModifier(key));
  if (other === undefined) return { ...parameters, hold_keys };
  throw refuse("hold_keys", `${other} is no modifier`, "Hold shift, ctrl, alt or super.");
}

function modifierRiskFactors({ hold_keys = [] }: { hold_keys?: string[] }): RiskFactor[] {
  return leavesApplication(hold_keys)
    ? [{ reason: `${hold_keys.join(" + ")} acts outside of the application`, by: "high" }]
    : [];
}
