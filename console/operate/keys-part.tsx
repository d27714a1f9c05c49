import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import type { NewKeyView } from "../../src/contract/operate.ts";
import { keptForOperators, operate } from "../api/operate.ts";
import { useRefresh } from "../api/queries.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { CreateKeyDialog } from "./create-key.tsx";
import { KeyEntry } from "./key-entry.tsx";
import { TokenDialog } from "./token-dialog.tsx";

/** The keys of programs. Those of people are on the page of people. */
export function KeysPart() {
  const refresh = useRefresh();
  const { data, error, isPending } = useQuery({
    queryKey: keptForOperators.keys,
    queryFn: ({ signal }) => operate.keys(signal),
  });
  const [creates, setCreates] = useState(false);
  /** Held by this page alone, and only while it is shown. */
  const [made, setMade] = useState<NewKeyView>();
  const onMade = (view: NewKeyView) => {
    setMade(view);
    refresh(keptForOperators.keys);
  };
  return (
    <>
      <div className="list-head">
        <p className="hint">
          What programs sign or name themselves with. People who sign in here have none. What is
          allowed without asking is under <Link href="/console/grants">Allowed</Link>.
        </p>
        <button type="button" className="button primary" onClick={() => setCreates(true)}>
          New key
        </button>
      </div>
      <ProblemNote error={error} />
      {isPending && <p className="loading">Asking the gateway…</p>}
      <ul className="entries keys">
        {data?.keys.map((key) => (
          <li key={key.id} className="entry">
            <KeyEntry entry={key} onRotated={onMade} />
          </li>
        ))}
      </ul>
      <CreateKeyDialog open={creates} onOpenChange={setCreates} onMade={onMade} />
      <TokenDialog made={made} onClose={() => setMade(undefined)} />
    </>
  );
}
