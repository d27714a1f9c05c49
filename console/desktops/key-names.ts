/** What is known of a key that was pressed: of a KeyboardEvent. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
}

export type Typed = { readonly text: string } | { readonly keys: readonly string[] };

const NAMED =
  /^(Enter|Tab|Escape|Backspace|Delete|Insert|Home|End|PageUp|PageDown|Arrow(Up|Down|Left|Right)|F([1-9]|1[0-2]))$/;

/**
 * A press of a key as the desktop's keyboard takes it: a text, or keys pressed together. Nothing for
 * keys that do something only with others, and for those it has no name for.
 */
export function readKeyPress({
  key,
  ctrlKey,
  altKey,
  metaKey,
  shiftKey,
}: KeyPress): Typed | undefined {
  const isText = [...key].length === 1;
  if (!isText && !NAMED.test(key)) return undefined;
  // Right Alt makes characters on many keyboards, and is told as both.
  if (isText && ctrlKey === altKey && !metaKey) return { text: key };
  const held = [
    ...(ctrlKey ? ["ctrl"] : []),
    ...(altKey ? ["alt"] : []),
    ...(metaKey ? ["super"] : []),
    ...(shiftKey ? ["shift"] : []),
  ];
  const name = key === " " ? "space" : isText ? key.toLowerCase() : key;
  return { keys: [...held, name] };
}

/** `ctrl+shift+t` → its keys; a plus is `ctrl++` or `ctrl+plus`. */
export function readChord(text: string): readonly string[] {
  return text
    .trim()
    .replace(/\+\+$/, "+plus")
    .replace(/^\+$/, "plus")
    .split("+")
    .map((key) => key.trim())
    .filter((key) => key !== "");
}
