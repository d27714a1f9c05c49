import { Dialog } from "@base-ui/react/dialog";
import { useMutation } from "@tanstack/react-query";
import { type MouseEvent, useState } from "react";
import type { Grantable, TaskView } from "../../src/contract/task.ts";
import { isProblem } from "../api/problem.ts";
import { kept, useRefresh } from "../api/queries.ts";
import { service } from "../api/service.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { useSettled } from "../parts/use-settled.ts";
import { minutesUpTo, placesOf } from "./grant-scope.ts";
import { SETTLE_MS } from "./reveal-gate.ts";
import { useDecision } from "./use-decision.ts";

interface Props {
  readonly task: TaskView;
  readonly grantable: Grantable;
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** Approves this plan and, for a while, those like it: one key, one action, one place. */
export function GrantDialog({ task, grantable, open, onOpenChange }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          <Dialog.Title>Allow this kind for a while</Dialog.Title>
          <GrantForm task={task} grantable={grantable} done={() => onOpenChange(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function GrantForm({
  task,
  grantable,
  done,
}: Omit<Props, "open" | "onOpenChange"> & { done: () => void }) {
  const announce = useAnnounce();
  const refresh = useRefresh();
  const decision = useDecision(task);
  const places = placesOf(task);
  const choices = minutesUpTo(grantable.max_minutes);
  const [prefix, setPrefix] = useState(places[0]?.path);
  const [minutes, setMinutes] = useState(choices[Math.min(1, choices.length - 1)] ?? 1);

  const grant = useMutation({
    mutationFn: async () => {
      const { task_id, plan_digest } = task;
      const scope =
        grantable.domain !== undefined
          ? { domain: grantable.domain }
          : prefix !== undefined
            ? { path_prefix: prefix }
            : {};
      await service.grant({ task_id, plan_digest, minutes, ...scope });
      try {
        await decision.mutateAsync({ decision: "approve" });
      } catch (error) {
        // The grant was faster.
        if (!isProblem(error, "already_decided")) throw error;
      }
    },
    onSuccess: () => {
      refresh(kept.grants);
      announce(`Approved, and allowed for ${minutes} minutes.`);
      done();
    },
  });
  // What was just shown or chosen has not been read yet.
  const changed = [task.plan_digest, task.status, task.approvals.length, prefix, minutes].join(" ");
  const settled = useSettled(changed, SETTLE_MS);
  const send = (event: MouseEvent) => {
    if (event.nativeEvent.isTrusted && settled) grant.mutate();
  };

  return (
    // No submit button: Enter on a choice approves nothing.
    <form className="form" onSubmit={(event) => event.preventDefault()}>
      <p>
        Approves this plan, and for the time below every plan of key{" "}
        <strong>
          <Inert text={task.requester} />
        </strong>{" "}
        that does nothing but{" "}
        <code>
          <Inert text={grantable.action} />
        </code>{" "}
        {grantable.domain !== undefined ? (
          <>
            on exactly{" "}
            <strong>
              <Inert text={grantable.domain} />
            </strong>
          </>
        ) : (
          "within the place you choose"
        )}
        . Where policy raises the risk, a person is asked all the same.
      </p>
      {places.length > 0 && (
        <fieldset className="choices">
          <legend>Where</legend>
          {places.map(({ path, exact }) => (
            <label className="check" key={path}>
              <input
                type="radio"
                name="prefix"
                checked={prefix === path}
                onChange={() => setPrefix(path)}
              />
              <span>
                <code>
                  <Inert text={path} />
                </code>
                {exact ? " only" : " and all below it"}
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <fieldset className="choices beside">
        <legend>How long</legend>
        {choices.map((choice) => (
          <label className="check" key={choice}>
            <input
              type="radio"
              name="minutes"
              checked={minutes === choice}
              onChange={() => setMinutes(choice)}
            />
            <span>
              {choice < 60 ? `${choice} min` : `${Math.round((choice / 60) * 10) / 10} h`}
            </span>
          </label>
        ))}
      </fieldset>
      <ProblemNote error={grant.error} />
      <div className="dialog-buttons">
        <Dialog.Close className="button">Back</Dialog.Close>
        <button
          type="button"
          className="button primary"
          disabled={!settled || grant.isPending}
          onClick={send}
        >
          Approve and allow
        </button>
      </div>
    </form>
  );
}
