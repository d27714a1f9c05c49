import { setTimeout as pause } from "node:timers/promises";
import { keysymOfCharacter, keysymOfKey } from "./keysyms.ts";
import type { XConnection } from "./x-connection.ts";

/** A key on the keyboard as it is now. */
interface Stroke {
  readonly keycode: number;
  readonly withShift: boolean;
}

/** How many strokes go out before the server is waited for and an abort is looked for. */
const BATCH = 64;

/** How long programs have to look up a key that was pressed before it means something else; ms. */
const SETTLE = 120;

/** Keysyms of vendors: multimedia and laptop keys, which a keyboard of ours does without. */
const VENDOR = 0x10000000;

/** The first keycode of X, which kernels map to no key. */
const RESERVED_KEYCODE = 8;

/** Bit of a pointer's state that says that capital letters are locked. */
const LOCK_MASK = 2;

/** Reads the layout of the keyboard. */
export async function openKeyboard(connection: XConnection): Promise<Keyboard> {
  const { firstKeycode, lastKeycode } = connection;
  const [rows, modifiers] = await Promise.all([
    connection.ask<readonly (readonly number[])[]>((client, answer) =>
      client.GetKeyboardMapping(firstKeycode, lastKeycode - firstKeycode + 1, answer),
    ),
    connection.ask<readonly (readonly number[])[]>((client, answer) =>
      client.GetModifierMapping(answer),
    ),
  ]);
  const layout = new Map<number, Stroke>();
  for (const [index, row] of rows.entries()) {
    for (const [level, keysym] of row.slice(0, 2).entries()) {
      if (keysym === 0 || layout.has(keysym)) continue;
      layout.set(keysym, { keycode: firstKeycode + index, withShift: level === 1 });
    }
  }
  const modifying = new Set(modifiers.flat());
  const isNeeded = (keysym: number, keycode: number): boolean =>
    keysym !== 0 && keysym < VENDOR && layout.get(keysym)?.keycode === keycode;
  const spares = rows
    .map((row, index) => ({ row, keycode: firstKeycode + index }))
    .filter(({ row, keycode }) => !row.some((keysym) => isNeeded(keysym, keycode)))
    .map(({ keycode }) => keycode)
    .filter((keycode) => keycode > RESERVED_KEYCODE && !modifying.has(keycode));
  return new Keyboard(connection, layout, longestFirst(spares));
}

/**
 * Finds keys and types text. A character that no key has is put on a spare one. It stays there until
 * that key is needed for another: a program looks up what a key means when it comes to the event,
 * which may be after everything was typed.
 */
export class Keyboard {
  readonly #connection: XConnection;
  readonly #layout: ReadonlyMap<number, Stroke>;
  /** Spare keys by what they mean now, the one used longest ago first. */
  readonly #bound = new Map<number, number>();
  readonly #unused: number[];
  readonly #spareCount: number;

  constructor(connection: XConnection, layout: ReadonlyMap<number, Stroke>, spares: number[]) {
    this.#connection = connection;
    this.#layout = layout;
    this.#unused = [...spares];
    this.#spareCount = spares.length;
  }

  /** The keycodes of keys by their X11 names. */
  async keycodes(names: readonly string[]): Promise<number[]> {
    const keysyms = names.map((name) => {
      const keysym = keysymOfKey(name);
      if (keysym === undefined) throw new Error("a key that the table of keysyms lacks");
      return keysym;
    });
    const plain = (keysym: number): boolean => this.#layout.get(keysym)?.withShift === false;
    await this.#bind(keysyms.filter((keysym) => !plain(keysym)));
    return keysyms.map((keysym) =>
      plain(keysym) ? (this.#layout.get(keysym)?.keycode ?? 0) : (this.#bound.get(keysym) ?? 0),
    );
  }

  /** Types text; stops at an abort, between two characters, with nothing held. */
  async type(text: string, signal: AbortSignal): Promise<void> {
    const keysyms = Array.from(text, keysymOfCharacter);
    await this.#withoutLock(async () => {
      for (const run of this.#runs(keysyms)) {
        await this.#bind(run.filter((keysym) => !this.#layout.has(keysym)));
        for (let at = 0; at < run.length; at += BATCH) {
          if (signal.aborted) return;
          for (const keysym of run.slice(at, at + BATCH)) this.#strike(this.#strokeOf(keysym));
          await this.#connection.sync();
        }
      }
    });
  }

  /** Parts of the text whose characters fit on the spare keys together. */
  *#runs(keysyms: readonly number[]): Generator<number[]> {
    let run: number[] = [];
    let foreign = new Set<number>();
    for (const keysym of keysyms) {
      if (!this.#layout.has(keysym)) foreign.add(keysym);
      if (foreign.size > this.#spareCount) {
        yield run;
        run = [];
        foreign = new Set([keysym]);
      }
      run.push(keysym);
    }
    yield run;
  }

  #strokeOf(keysym: number): Stroke {
    return this.#layout.get(keysym) ?? { keycode: this.#bound.get(keysym) ?? 0, withShift: false };
  }

  #strike({ keycode, withShift }: Stroke): void {
    const shift = withShift ? this.#layout.get(keysymOfKey("Shift_L") ?? 0)?.keycode : undefined;
    if (shift !== undefined) this.#connection.key(shift, true);
    this.#connection.key(keycode, true);
    this.#connection.key(keycode, false);
    if (shift !== undefined) this.#connection.key(shift, false);
  }

  /** Puts each of these on a spare key of its own. There are no more of them than spare keys. */
  async #bind(keysyms: readonly number[]): Promise<void> {
    const wanted = new Set(keysyms);
    const fresh: number[] = [];
    for (const keysym of wanted) {
      const keycode = this.#bound.get(keysym);
      if (keycode === undefined) fresh.push(keysym);
      else {
        this.#bound.delete(keysym);
        this.#bound.set(keysym, keycode);
      }
    }
    if (fresh.length === 0) return;
    const freed = [...this.#bound]
      .slice(0, Math.max(0, fresh.length - this.#unused.length))
      .map(([keysym, keycode]) => {
        this.#bound.delete(keysym);
        return keycode;
      });
    if (freed.length > 0) await pause(SETTLE);
    const free = [...this.#unused.splice(0, fresh.length), ...freed];
    const changes = fresh.map((keysym, index) => {
      const keycode = free[index];
      if (keycode === undefined) throw new Error("the keyboard has too few spare keys");
      this.#bound.set(keysym, keycode);
      return { keycode, keysym };
    });
    for (const { first, keysyms: row } of neighbours(changes)) {
      // The same with and without Shift.
      const columns = row.flatMap((keysym) => [keysym, keysym]);
      this.#connection.tell((client) => client.ChangeKeyboardMapping(first, 2, columns));
    }
    await this.#connection.sync();
  }

  /** Capital letters that are locked would turn the letters of the text around. */
  async #withoutLock(work: () => Promise<void>): Promise<void> {
    const { root } = this.#connection;
    const { keyMask } = await this.#connection.ask<{ readonly keyMask: number }>((client, answer) =>
      client.QueryPointer(root, answer),
    );
    const lock = this.#layout.get(keysymOfKey("Caps_Lock") ?? 0);
    if ((keyMask & LOCK_MASK) === 0 || lock === undefined) return await work();
    this.#strike(lock);
    try {
      await work();
    } finally {
      if (!this.#connection.isLost) this.#strike(lock);
    }
  }
}

/** Ordered so that keycodes that follow each other stand together, most of them first. */
function longestFirst(keycodes: readonly number[]): number[] {
  return neighbours(keycodes.map((keycode) => ({ keycode, keysym: keycode })))
    .sort((a, b) => b.keysyms.length - a.keysyms.length)
    .flatMap(({ keysyms }) => keysyms);
}

/**
 * Groups changes of keycodes that follow each other: each group is announced to every program, and a
 * window manager takes its time over it.
 */
function neighbours(
  changes: readonly { keycode: number; keysym: number }[],
): { first: number; keysyms: number[] }[] {
  const groups: { first: number; keysyms: number[] }[] = [];
  for (const { keycode, keysym } of [...changes].sort((a, b) => a.keycode - b.keycode)) {
    const last = groups.at(-1);
    if (last !== undefined && last.first + last.keysyms.length === keycode) {
      last.keysyms.push(keysym);
    } else groups.push({ first: keycode, keysyms: [keysym] });
  }
  return groups;
}
