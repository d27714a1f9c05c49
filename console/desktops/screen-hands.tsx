import { type KeyboardEvent, useEffect, useEffectEvent, useId, useRef, useState } from "react";
import { readKeyPress } from "./key-names.ts";
import type { Point, Size } from "./picture-point.ts";
import type { HandInput } from "./use-input-line.ts";
import { usePointer } from "./use-pointer.ts";

interface Props {
  readonly name: string;
  readonly size: Size;
  readonly input: HandInput;
}

/** Pixels that an arrow key moves the mark. */
const STEP = 16;
const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * Lies over the picture of a desktop that is one's own: what is done here is done there. Reached by the
 * keyboard it moves a mark and clicks; only Enter gives the keys themselves to the desktop.
 */
export function ScreenHands({ name, size, input }: Props) {
  const surface = useRef<HTMLDivElement>(null);
  const help = useId();
  const [mark, setMark] = useState<Point>();
  const [isTyping, setTyping] = useState(false);
  const { act } = input;
  usePointer(surface, size, {
    act,
    onPress: (point) => {
      setMark(point);
      setTyping(true);
    },
  });

  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (isTyping) {
      if (event.key === "Escape" && event.shiftKey) {
        event.preventDefault();
        setTyping(false);
        return;
      }
      const typed = readKeyPress(event);
      if (typed === undefined) return;
      event.preventDefault();
      if ("text" in typed) act("keyboard.type", typed, event.repeat);
      else act("keyboard.chord", typed, event.repeat);
      return;
    }
    const direction = ARROWS[event.key];
    const from = mark ?? middleOf(size);
    if (direction !== undefined) setMark(moved(from, direction, event.shiftKey ? 1 : STEP, size));
    else if (event.key === "Enter") setTyping(true);
    else if (event.key === " ") act("mouse.click", { coordinates: from });
    else return;
    event.preventDefault();
  };

  return (
    <>
      <div
        ref={surface}
        className={isTyping ? "hands typing" : "hands"}
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what is used must be reached by the keyboard
        tabIndex={0}
        aria-label={`Desktop ${name}, to be used`}
        aria-describedby={help}
        onKeyDown={press}
        onBlur={() => setTyping(false)}
      >
        {mark !== undefined && <Mark at={mark} size={size} />}
      </div>
      <p className="hands-help" id={help}>
        {isTyping
          ? "Keys go to the desktop. Shift+Escape takes them back."
          : "Click in the picture, or with the keyboard: arrows move the mark, Space clicks, Enter gives the keys to the desktop."}
      </p>
    </>
  );
}

function Mark({ at, size }: { at: Point; size: Size }) {
  const place = useRef<HTMLSpanElement>(null);
  const move = useEffectEvent((point: Point) => {
    place.current?.style.setProperty("left", `${((point.x + 0.5) / size.width) * 100}%`);
    place.current?.style.setProperty("top", `${((point.y + 0.5) / size.height) * 100}%`);
  });
  useEffect(() => move(at), [at]);
  return <span ref={place} className="hands-mark" key={`${at.x} ${at.y}`} aria-hidden="true" />;
}

function middleOf({ width, height }: Size): Point {
  return { x: Math.floor(width / 2), y: Math.floor(height / 2) };
}

function moved(from: Point, [x, y]: readonly [number, number], by: number, size: Size): Point {
  return {
    x: Math.min(Math.max(from.x + x * by, 0), size.width - 1),
    y: Math.min(Math.max(from.y + y * by, 0), size.height - 1),
  };
}
