import { keyOfText, textOfKey } from "./key-text.ts";
import { VirtualScreen } from "./virtual-screen.ts";
import type { Watch } from "./watch.ts";

export type Press = "down" | "up";
export type Button = "left" | "middle" | "right";

/** One event that reached the screen, in order. */
export type DeskEvent =
  | { readonly kind: "key"; readonly key: string; readonly press: Press }
  | { readonly kind: "button"; readonly button: Button; readonly press: Press }
  | { readonly kind: "move"; readonly x: number; readonly y: number }
  | { readonly kind: "scroll"; readonly direction: string }
  | { readonly kind: "launch"; readonly application: string };

/** What performs the events for real. */
export interface DeskDevice extends AsyncDisposable {
  readonly width: number;
  readonly height: number;
  keys(events: readonly (readonly [key: string, press: Press])[]): Promise<void>;
  button(button: Button, press: Press): Promise<void>;
  move(x: number, y: number): Promise<void>;
  pointer(): Promise<{ x: number; y: number }>;
  scroll(direction: string): Promise<void>;
  setClipboard(text: string): Promise<void>;
  launch(application: string): Promise<void>;
  /** A PNG. */
  capture(): Promise<Buffer>;
}

/** 37 letters a second, as an X server repeats a key. */
const REPEAT_MS = 27;

/**
 * The desktop the daemon acts on: it keeps account of keys, buttons, pointer and text, and passes
 * everything on to a real display where there is one.
 */
export class Desk {
  /** Keys by their X11 names and buttons as `button:left`, as they are held now. */
  readonly held = new Set<string>();
  readonly events: DeskEvent[] = [];
  /** Applications that were opened; the last one is in front. */
  readonly launched: string[] = [];
  /** Applications that are not installed: opening one does nothing. */
  readonly missing = new Set<string>();
  readonly screen: VirtualScreen;
  /** Text that arrived: typed, or pasted with Control+V. */
  typed = "";
  clipboard = "";
  pointer = { x: 0, y: 0 };
  #repeat: NodeJS.Timeout | undefined;
  readonly #device: DeskDevice | undefined;
  readonly #watch: Watch;

  constructor(watch: Watch, device: DeskDevice | undefined) {
    this.#watch = watch;
    this.#device = device;
    this.screen = new VirtualScreen(device?.width ?? 1280, device?.height ?? 960);
  }

  async keys(events: readonly (readonly [key: string, press: Press])[]): Promise<void> {
    for (const [key, press] of events) {
      if (press === "up") this.held.delete(key);
      else {
        this.#type(key);
        this.held.add(key);
      }
      this.#note({ kind: "key", key, press });
    }
    await this.#device?.keys(events);
  }

  async button(button: Button, press: Press): Promise<void> {
    if (press === "down") this.held.add(`button:${button}`);
    else this.held.delete(`button:${button}`);
    this.#note({ kind: "button", button, press });
    await this.#device?.button(button, press);
  }

  /** Coordinates are 16 bits wide, and end at the screen's edge. */
  async move(x: number, y: number): Promise<void> {
    const clamp = (value: number, size: number) =>
      Math.min(size - 1, Math.max(0, (Math.trunc(value) << 16) >> 16));
    this.pointer = { x: clamp(x, this.screen.width), y: clamp(y, this.screen.height) };
    this.#note({ kind: "move", ...this.pointer });
    await this.#device?.move(this.pointer.x, this.pointer.y);
  }

  async cursor(): Promise<{ x: number; y: number }> {
    return (await this.#device?.pointer()) ?? { ...this.pointer };
  }

  async scroll(direction: string): Promise<void> {
    this.#note({ kind: "scroll", direction });
    await this.#device?.scroll(direction);
  }

  async setClipboard(text: string): Promise<void> {
    this.clipboard = text;
    await this.#device?.setClipboard(text);
  }

  async launch(application: string): Promise<void> {
    if (this.missing.has(application)) return;
    this.launched.push(application);
    this.#note({ kind: "launch", application });
    await this.#device?.launch(application);
  }

  capture(): Promise<Buffer> {
    return this.#device?.capture() ?? this.screen.png();
  }

  /** What is held after its process has died: a display repeats the key that was pressed last. */
  startRepeating(): void {
    this.stopRepeating();
    this.#repeat = setInterval(() => {
      const key = [...this.held].findLast((held) => !held.startsWith("button:"));
      if (key === undefined) this.stopRepeating();
      else this.#type(key);
      this.#watch.changed();
    }, REPEAT_MS);
  }

  stopRepeating(): void {
    clearInterval(this.#repeat);
  }

  #type(key: string): void {
    const holds = (modifier: string) =>
      this.held.has(`${modifier}_L`) || this.held.has(`${modifier}_R`);
    if (holds("Alt") || holds("Super") || holds("Meta")) return;
    if (!holds("Control")) this.typed += textOfKey(key, holds("Shift"));
    else if (key === "v") this.typed += this.launched.at(-1) === "terminal" ? "^V" : this.clipboard;
  }

  #note(event: DeskEvent): void {
    this.events.push(event);
    this.#watch.changed();
  }
}

/** The keys to press for a character, last the one that types it; throws for one there is no key for. */
export function keysForCharacter(character: string): string[] {
  const found = keyOfText(character);
  if (found === undefined) throw new Error(`No key mapping found for character: ${character}`);
  return found.shift ? ["Shift_L", found.key] : [found.key];
}
