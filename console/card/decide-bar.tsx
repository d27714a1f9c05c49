import { type MouseEvent, useEffect, useRef, useState } from "react";
import type { TaskView } from "../../src/contract/task.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { useHotkeys } from "../parts/use-hotkeys.ts";
import { GrantDialog } from "./grant-dialog.tsx";
import { RejectDialog } from "./reject-dialog.tsx";
import { showNextPiece, useGate } from "./reveal.tsx";
import type { GateState } from "./reveal-gate.ts";
import { useDecision } from "./use-decision.ts";

type Open = "reject" | "grant" | undefined;

/** Where a person decides: within reach of a thumb, and never by one act alone. */
export function DecideBar({ task, me }: { task: TaskView; me: string }) {
  const { gate, state } = useGate();
  const announce = useAnnounce();
  const decision = useDecision(task);
  const [open, setOpen] = useState<Open>();
  const back = useRef<HTMLButtonElement>(null);
  const mine = task.approvals.some(({ key_id }) => key_id === me);
  const changed = `${task.plan_digest} ${task.status} ${task.approvals.length}`;

  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever changes on the card begins anew
  useEffect(() => gate.disturb(), [gate, changed]);
  useEffect(() => {
    // The key that armed must not be the one that confirms.
    if (state.armed) back.current?.focus({ preventScroll: true });
  }, [state.armed]);

  const arm = () => {
    if (!state.revealed) showNextPiece(gate);
    else gate.arm();
  };
  const confirm = () => {
    if (decision.isPending || !gate.confirm()) return;
    decision.mutate(
      { decision: "approve" },
      {
        onSuccess: (after) =>
          announce(
            after.status === "awaiting_confirmation" || after.status === "planned"
              ? "Approved. It waits for another person."
              : "Approved.",
          ),
      },
    );
  };
  const pressed = (act: () => void) => (event: MouseEvent) => {
    if (event.isTrusted) act();
  };

  useHotkeys(
    {
      a: () => (mine ? undefined : arm()),
      y: confirm,
      r: () => setOpen("reject"),
      Escape: () => gate.disturb(),
    },
    !decision.isPending,
  );

  return (
    <section className="decide" aria-label="Your decision">
      <ProblemNote error={decision.error} />
      <p className="decide-note" role="status">
        {decision.isPending
          ? "Sending your decision… Your browser may ask for your passkey."
          : noteOf(state, mine)}
      </p>
      <div className="decide-buttons">
        {state.armed ? (
          <>
            <button
              key="back"
              ref={back}
              type="button"
              className="button"
              onClick={() => gate.disturb()}
            >
              Back
            </button>
            <button
              key="confirm"
              type="button"
              className="button armed"
              disabled={!state.settled || decision.isPending}
              onClick={pressed(confirm)}
            >
              Yes, run exactly this <kbd>y</kbd>
            </button>
          </>
        ) : (
          <>
            <button
              key="reject"
              type="button"
              className="button"
              disabled={decision.isPending}
              onClick={() => setOpen("reject")}
            >
              Reject <kbd>r</kbd>
            </button>
            {task.grantable !== undefined && state.revealed && !mine && (
              <button
                key="grant"
                type="button"
                className="button grant-button"
                disabled={!state.settled || decision.isPending}
                onClick={() => setOpen("grant")}
              >
                Allow for a while
              </button>
            )}
            {state.revealed || state.broken || mine ? (
              <button
                key="approve"
                type="button"
                className="button primary"
                disabled={!state.revealed || !state.settled || mine || decision.isPending}
                onClick={pressed(arm)}
              >
                Approve <kbd>a</kbd>
              </button>
            ) : (
              <button
                key="read"
                type="button"
                className="button"
                onClick={() => showNextPiece(gate)}
              >
                Read on <kbd>a</kbd>
              </button>
            )}
          </>
        )}
      </div>
      <RejectDialog
        task={task}
        open={open === "reject"}
        onOpenChange={(isOpen) => setOpen(isOpen ? "reject" : undefined)}
      />
      {task.grantable !== undefined && (
        <GrantDialog
          task={task}
          grantable={task.grantable}
          open={open === "grant"}
          onOpenChange={(isOpen) => setOpen(isOpen ? "grant" : undefined)}
        />
      )}
    </section>
  );
}

function noteOf(state: GateState, mine: boolean): string {
  if (mine) return "You have approved it. Another person must approve it too.";
  if (state.broken) return "It cannot be approved here: a picture of it could not be shown.";
  if (state.armed) return "Sure? It runs exactly as shown.";
  if (!state.revealed) {
    return `${state.seen} of ${state.total} parts read. Read all of it to decide.`;
  }
  return "All of it was shown. It is yours to decide.";
}
