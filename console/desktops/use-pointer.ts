import { type RefObject, useEffect, useEffectEvent } from "react";
import type { InputAction } from "./input-line.ts";
import { type Point, type Size, thinOut, toScreen } from "./picture-point.ts";

/** px of the page that a finger or mouse may slip in a click. */
const SLIP = 6;
/** ms within which clicks belong together; the desktop must see them as one. */
const TOGETHER_MS = 260;
/** ms after which a finger that rests means the other button. */
const LONG_PRESS_MS = 550;
/** ms over which turns of the wheel are counted. */
const WHEEL_MS = 120;
/** px of the wheel to a notch. */
const NOTCH = 100;
const LINE = 34;
const BUTTONS = ["left", "middle", "right"] as const;
const MODIFIERS = [
  ["shiftKey", "shift"],
  ["ctrlKey", "ctrl"],
  ["altKey", "alt"],
] as const;

interface Press {
  readonly id: number;
  readonly button: (typeof BUTTONS)[number];
  readonly from: Point;
  readonly path: Point[];
  moved: boolean;
}

export interface PointerOptions {
  readonly act: (action: InputAction, parameters: Record<string, unknown>) => void;
  /** Where the screen was pressed. */
  readonly onPress: (at: Point) => void;
}

/** Clicks, drags and turns of the wheel on an element that lies over the picture of a screen. */
export function usePointer(
  surface: RefObject<HTMLElement | null>,
  size: Size,
  { act, onPress }: PointerOptions,
): void {
  const send = useEffectEvent(act);
  const tell = useEffectEvent(onPress);
  const placeOf = useEffectEvent((event: MouseEvent): Point => {
    const box = surface.current?.getBoundingClientRect();
    const at = { x: event.clientX, y: event.clientY };
    return box === undefined ? { x: 0, y: 0 } : toScreen(at, box, size);
  });

  useEffect(() => {
    const element = surface.current;
    if (element === null) return;
    const listeners = new AbortController();
    const { signal } = listeners;
    let press: Press | undefined;
    let rest: ReturnType<typeof setTimeout> | undefined;
    let clicks:
      | { at: Point; count: number; held: object; timer: ReturnType<typeof setTimeout> }
      | undefined;
    let wheel: { x: number; y: number; timer: ReturnType<typeof setTimeout> } | undefined;

    const click = (at: Point, held: object) => {
      clearTimeout(clicks?.timer);
      const count = Math.min((clicks?.count ?? 0) + 1, 3);
      const timer = setTimeout(() => {
        if (clicks === undefined) return;
        const click_count = clicks.count;
        send("mouse.click", {
          coordinates: clicks.at,
          ...(click_count > 1 && { click_count }),
          ...clicks.held,
        });
        clicks = undefined;
      }, TOGETHER_MS);
      clicks = { at: clicks?.at ?? at, count, held, timer };
    };
    const letGo = () => {
      clearTimeout(rest);
      press = undefined;
    };

    element.addEventListener(
      "pointerdown",
      (event) => {
        const button = BUTTONS[event.button];
        if (button === undefined || press !== undefined || !event.isPrimary) return;
        element.setPointerCapture(event.pointerId);
        const at = placeOf(event);
        press = {
          id: event.pointerId,
          button,
          from: { x: event.clientX, y: event.clientY },
          path: [at],
          moved: false,
        };
        tell(at);
        if (event.pointerType !== "touch") return;
        rest = setTimeout(() => {
          send("mouse.click", { coordinates: at, button: "right" });
          letGo();
        }, LONG_PRESS_MS);
      },
      { signal },
    );
    element.addEventListener(
      "pointermove",
      (event) => {
        if (press === undefined || event.pointerId !== press.id) return;
        const far = Math.hypot(event.clientX - press.from.x, event.clientY - press.from.y) > SLIP;
        if (far && !press.moved) {
          press.moved = true;
          clearTimeout(rest);
        }
        if (press.moved) press.path.push(placeOf(event));
      },
      { signal },
    );
    element.addEventListener(
      "pointerup",
      (event) => {
        if (press === undefined || event.pointerId !== press.id) return;
        const { button, path, moved } = press;
        const [at] = path;
        const held = holding(event);
        letGo();
        if (at === undefined) return;
        if (moved && path.length > 1) {
          send("mouse.drag", { path: thinOut(path), ...other(button), ...held });
        } else if (button === "left") click(at, held);
        else send("mouse.click", { coordinates: at, button, ...held });
      },
      { signal },
    );
    element.addEventListener("pointercancel", letGo, { signal });
    element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    element.addEventListener(
      "wheel",
      (event) => {
        // Until it is used, the wheel scrolls the page that it stands in.
        if (event.ctrlKey || document.activeElement !== element) return;
        event.preventDefault();
        const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
        const coordinates = placeOf(event);
        clearTimeout(wheel?.timer);
        const timer = setTimeout(() => {
          if (wheel !== undefined) send("mouse.scroll", { ...turnOf(wheel), coordinates });
          wheel = undefined;
        }, WHEEL_MS);
        wheel = {
          x: (wheel?.x ?? 0) + event.deltaX * unit,
          y: (wheel?.y ?? 0) + event.deltaY * unit,
          timer,
        };
      },
      { signal, passive: false },
    );
    return () => {
      listeners.abort();
      clearTimeout(rest);
      clearTimeout(clicks?.timer);
      clearTimeout(wheel?.timer);
    };
  }, [surface]);
}

function other(button: Press["button"]): object {
  return button === "left" ? {} : { button };
}

function holding(event: MouseEvent): object {
  const hold_keys = MODIFIERS.filter(([flag]) => event[flag]).map(([, key]) => key);
  return hold_keys.length === 0 ? {} : { hold_keys };
}

function turnOf({ x, y }: Point): Record<string, unknown> {
  const isAcross = Math.abs(x) > Math.abs(y);
  const turned = isAcross ? x : y;
  const [back, on] = isAcross ? ["left", "right"] : ["up", "down"];
  const scroll_count = Math.min(Math.max(Math.round(Math.abs(turned) / NOTCH), 1), 50);
  return { direction: turned < 0 ? back : on, scroll_count };
}
