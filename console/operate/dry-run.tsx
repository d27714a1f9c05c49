import { useMutation } from "@tanstack/react-query";
import { type ChangeEvent, type FormEvent, useState } from "react";
import { operate } from "../api/operate.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { DryRunResult } from "./dry-run-result.tsx";

/** The service reads no more. */
const MAX_BYTES = 1024 * 1024;

/** Decides the last plans anew by another policy, before it is put in place. */
export function DryRun({ current }: { current: string }) {
  const [text, setText] = useState("");
  const [mistake, setMistake] = useState<unknown>();
  const run = useMutation({ mutationFn: () => operate.dryRun(text) });

  const change = (next: string) => {
    setText(next);
    setMistake(undefined);
    run.reset();
  };
  const open = async (event: ChangeEvent<HTMLInputElement>) => {
    const [file] = event.target.files ?? [];
    // The same file can be chosen again once it was changed.
    event.target.value = "";
    if (file === undefined) return;
    if (file.size > MAX_BYTES) setMistake(new Error("This file is larger than any policy may be."));
    else change(await file.text());
  };
  const send = (event: FormEvent) => {
    event.preventDefault();
    run.mutate();
  };

  return (
    <section className="part" aria-labelledby="dry-run">
      <h2 id="dry-run">Try another policy</h2>
      <p className="hint">
        Decides the last 1,000 plans anew, as recorded, by the policy in force and by this one. It
        is not put in force: that happens in its file.
      </p>
      <form className="form wide" onSubmit={send}>
        <div className="buttons">
          <label className="button file-button">
            Open a file
            <input
              type="file"
              className="visually-hidden"
              accept=".json,application/json"
              onChange={(event) => void open(event)}
            />
          </label>
          <button type="button" className="button" onClick={() => change(current)}>
            Begin with the one in force
          </button>
        </div>
        <label className="field">
          <span>The policy to try, JSON</span>
          <textarea
            className="code-input"
            rows={text === "" ? 6 : 16}
            spellCheck={false}
            required
            value={text}
            placeholder="Paste a policy.json"
            onChange={(event) => change(event.target.value)}
          />
        </label>
        <button type="submit" className="button primary" disabled={run.isPending}>
          {run.isPending ? "Deciding anew…" : "Try it"}
        </button>
      </form>
      <ProblemNote error={mistake ?? run.error} />
      <div aria-live="polite">{run.data !== undefined && <DryRunResult view={run.data} />}</div>
    </section>
  );
}
