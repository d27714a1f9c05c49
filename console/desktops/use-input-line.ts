import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { DESKTOPS, desktopService } from "../api/desktops.ts";
import { isProblem } from "../api/problem.ts";
import { type InputAction, InputLine } from "./input-line.ts";

export interface HandInput {
  /** `isRepeat`: of a key that is held; where too much waits it is left out without a word. */
  readonly act: (
    action: InputAction,
    parameters: Record<string, unknown>,
    isRepeat?: boolean,
  ) => void;
  /** Of the newest that was refused, until the next is done. */
  readonly error: unknown;
  /** Called when something was done: the picture has changed, most likely. */
  readonly onDone: (listener: () => void) => () => void;
}

/** What this person does on a desktop that is theirs. */
export function useInputLine(name: string, isMine: boolean): HandInput {
  const client = useQueryClient();
  const [error, setError] = useState<unknown>();
  const listeners = useMemo(() => new Set<() => void>(), []);
  const line = useMemo(
    () =>
      new InputLine({
        act: (request) => desktopService.act(name, request),
        onDone: () => {
          setError(undefined);
          for (const listener of listeners) listener();
        },
        onError: (refusal) => {
          setError(refusal);
          if (isProblem(refusal, "state_changed")) {
            void client.invalidateQueries({ queryKey: DESKTOPS });
          }
        },
      }),
    [name, listeners, client],
  );
  useEffect(() => {
    if (!isMine) line.clear();
    setError(undefined);
  }, [isMine, line]);
  return useMemo(
    () => ({
      error,
      act: (action, parameters, isRepeat = false) => {
        if (line.send(action, parameters) || isRepeat) return;
        setError(new Error("The desktop is slower than you: this last input was left out."));
      },
      onDone: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    }),
    [error, line, listeners],
  );
}
