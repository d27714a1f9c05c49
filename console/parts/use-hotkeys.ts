import { useEffect, useEffectEvent } from "react";

/**
 * Single keys that act on a page, as people press them: not held down, not made up by a script, not
 * while something is typed or a dialog is open, not with a modifier.
 */
export function useHotkeys(keys: Readonly<Record<string, () => void>>, enabled = true): void {
  const press = useEffectEvent((event: KeyboardEvent) => {
    const act = keys[event.key];
    if (act === undefined || event.repeat || !event.isTrusted || event.defaultPrevented) return;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (isTyping(event.target) || document.querySelector('[role$="dialog"]') !== null) return;
    event.preventDefault();
    act();
  });
  useEffect(() => {
    if (!enabled) return;
    const listener = (event: KeyboardEvent) => press(event);
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, [enabled]);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select") !== null;
}
