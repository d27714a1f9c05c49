import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import { oneOf, textList } from "../step/parameter.ts";
import type { Button, Point } from "./desktop.ts";

/** Where the action is to happen; undefined: where the pointer is. */
export function coordinatesOf({ coordinates }: Parameters): Point | undefined {
  return coordinates === undefined ? undefined : pointOf(coordinates, "coordinates");
}

export function pathOf({ path }: Parameters): readonly [Point, ...Point[]] {
  const points = Array.isArray(path) ? path.map((point) => pointOf(point, "path")) : [];
  const [first, ...rest] = points;
  if (first === undefined) throw malformed("path", "a list of points");
  return [first, ...rest];
}

export function buttonOf(parameters: Parameters): Button {
  return oneOf<Button>(parameters, "button", ["left", "right", "middle"]);
}

export function holdKeysOf(parameters: Parameters): readonly string[] {
  return parameters.hold_keys === undefined ? [] : textList(parameters, "hold_keys");
}

function pointOf(value: unknown, name: string): Point {
  if (typeof value === "object" && value !== null && "x" in value && "y" in value) {
    const { x, y } = value;
    if (isPixel(x) && isPixel(y)) return { x, y };
  }
  throw malformed(name, "made of whole numbers x and y from 0");
}

/** A whole number of pixels from an edge. */
export function isPixel(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function malformed(name: string, expected: string): GatewayError {
  return new GatewayError("invalid_request", `${name} must be ${expected}`, {
    hint: "GET /capabilities has the schema of every action's parameters.",
  });
}
