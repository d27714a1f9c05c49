import { type FormEvent, useState } from "react";
import { readChord } from "./key-names.ts";
import type { Size } from "./picture-point.ts";
import type { HandInput } from "./use-input-line.ts";

const KEYS = [
  ["Enter", "Enter"],
  ["Tab", "Tab"],
  ["Escape", "Esc"],
  ["Backspace", "⌫"],
  ["Delete", "Del"],
  ["ArrowLeft", "←"],
  ["ArrowUp", "↑"],
  ["ArrowDown", "↓"],
  ["ArrowRight", "→"],
  ["PageUp", "Page up"],
  ["PageDown", "Page down"],
] as const;

/** A word says by itself which key it is. */
const SIGN = /^[^A-Za-z]$/;

/** As the capabilities take it at most. */
const MAX_CHARACTERS = { type: 4096, paste: 65_536 } as const;

interface Props {
  readonly input: HandInput;
  readonly screen: Size | undefined;
}

/** Text, keys and the pointer without a keyboard or mouse of one's own, or with the keyboard alone. */
export function HandsPanel({ input, screen }: Props) {
  return (
    <div className="hands-panel">
      <TextEntry input={input} />
      <KeyEntry input={input} />
      <PointerEntry input={input} screen={screen} />
    </div>
  );
}

function TextEntry({ input: { act } }: Pick<Props, "input">) {
  const [text, setText] = useState("");
  const send = (event: FormEvent) => {
    event.preventDefault();
    act(text.length > MAX_CHARACTERS.type ? "keyboard.paste" : "keyboard.type", { text });
    setText("");
  };
  const paste = () => {
    act("keyboard.paste", { text });
    setText("");
  };
  return (
    <form className="form" onSubmit={send}>
      <label className="field">
        <span>Text for the desktop</span>
        <textarea
          rows={2}
          maxLength={MAX_CHARACTERS.paste}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <div className="buttons">
        <button type="submit" className="button" disabled={text === ""}>
          Type it
        </button>
        <button type="button" className="button" disabled={text === ""} onClick={paste}>
          Paste it
        </button>
      </div>
      <p className="hint">
        It goes where the desktop's cursor is. The record keeps that, not what.
      </p>
    </form>
  );
}

function KeyEntry({ input: { act } }: Pick<Props, "input">) {
  const [chord, setChord] = useState("");
  const send = (event: FormEvent) => {
    event.preventDefault();
    act("keyboard.chord", { keys: readChord(chord) });
    setChord("");
  };
  return (
    <form className="form" onSubmit={send}>
      <fieldset className="key-row">
        <legend>Keys</legend>
        {KEYS.map(([key, word]) => (
          <button
            key={key}
            type="button"
            className="key"
            aria-label={SIGN.test(word) ? key : undefined}
            onClick={() => act("keyboard.chord", { keys: [key] })}
          >
            {word}
          </button>
        ))}
      </fieldset>
      <div className="side-by-side">
        <label className="field">
          <span>Keys together, as ctrl+shift+t</span>
          <input
            maxLength={80}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={chord}
            onChange={(event) => setChord(event.target.value)}
          />
        </label>
        <button type="submit" className="button" disabled={readChord(chord).length === 0}>
          Press
        </button>
      </div>
    </form>
  );
}

const CLICKS = [
  ["Click", {}],
  ["Double click", { click_count: 2 }],
  ["Right click", { button: "right" }],
] as const;

function PointerEntry({ input: { act }, screen }: Props) {
  const [x, setX] = useState("");
  const [y, setY] = useState("");
  const coordinates = { x: Number(x), y: Number(y) };
  const isPlace = x !== "" && y !== "" && isPixel(coordinates.x) && isPixel(coordinates.y);
  return (
    <details className="pointer-entry">
      <summary>Click by numbers</summary>
      <div className="form">
        <div className="side-by-side">
          <Axis name="From the left" most={screen?.width} value={x} onChange={setX} />
          <Axis name="From the top" most={screen?.height} value={y} onChange={setY} />
        </div>
        <div className="buttons">
          {CLICKS.map(([word, how]) => (
            <button
              key={word}
              type="button"
              className="button"
              disabled={!isPlace}
              onClick={() => act("mouse.click", { coordinates, ...how })}
            >
              {word}
            </button>
          ))}
          {(["up", "down"] as const).map((direction) => (
            <button
              key={direction}
              type="button"
              className="button"
              onClick={() =>
                act("mouse.scroll", { direction, scroll_count: 3, ...(isPlace && { coordinates }) })
              }
            >
              Scroll {direction}
            </button>
          ))}
        </div>
      </div>
    </details>
  );
}

interface AxisProps {
  readonly name: string;
  readonly most: number | undefined;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Axis({ name, most, value, onChange }: AxisProps) {
  return (
    <label className="field">
      <span>{name}, px</span>
      <input
        type="number"
        inputMode="numeric"
        min={0}
        max={most === undefined ? undefined : most - 1}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}

function isPixel(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 32_767;
}
