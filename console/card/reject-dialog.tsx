import { Dialog } from "@base-ui/react/dialog";
import { type FormEvent, useState } from "react";
import type { TaskView } from "../../src/contract/task.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { draftOf, requestFromJson, requestOf } from "./proposal.ts";
import { ProposalForm } from "./proposal-form.tsx";
import { useDecision } from "./use-decision.ts";

interface Props {
  readonly task: TaskView;
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** Turns a plan down: with a reason, and with what the requester may plan instead. */
export function RejectDialog({ task, open, onOpenChange }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>Reject this plan</Dialog.Title>
          <RejectForm task={task} done={() => onOpenChange(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function RejectForm({ task, done }: { task: TaskView; done: () => void }) {
  const announce = useAnnounce();
  const decision = useDecision(task);
  const [reason, setReason] = useState("");
  const [proposes, setProposes] = useState(false);
  const [draft, setDraft] = useState(() => draftOf(task));
  /** The whole proposal as text, once it is edited as such. */
  const [json, setJson] = useState<string>();
  const [mistake, setMistake] = useState<unknown>();

  const send = (event: FormEvent) => {
    event.preventDefault();
    setMistake(undefined);
    try {
      const proposal = json === undefined ? requestOf(draft, task.title) : requestFromJson(json);
      decision.mutate(
        {
          decision: "reject",
          ...(reason !== "" && { reason }),
          ...(proposes && { proposal }),
        },
        {
          onSuccess: () => {
            announce(proposes ? "Rejected, with a proposal." : "Rejected.");
            done();
          },
        },
      );
    } catch (error) {
      setMistake(error);
    }
  };

  return (
    <form className="form" onSubmit={send}>
      <label className="field">
        <span>Reason, for whoever asked (optional)</span>
        <textarea
          rows={2}
          maxLength={2000}
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={proposes}
          onChange={(event) => setProposes(event.target.checked)}
        />
        <span>Propose something else instead</span>
      </label>
      {proposes && (
        <ProposalForm
          draft={draft}
          onDraft={setDraft}
          json={json}
          onJson={setJson}
          title={task.title}
        />
      )}
      <ProblemNote error={mistake ?? decision.error} />
      <div className="dialog-buttons">
        <Dialog.Close className="button">Back</Dialog.Close>
        <button type="submit" className="button danger" disabled={decision.isPending}>
          {proposes ? "Reject and propose" : "Reject"}
        </button>
      </div>
    </form>
  );
}
