const APPROVAL =
  "the call then answers at once with the status awaiting_confirmation and a task_id, and the action runs by itself after the person has approved it. Tell the user, then ask task_status with that task_id; do not call again for the same thing, and never claim that it was done before task_status says completed.";

/** What a call leads to, by who must confirm; undefined: it is not said to strangers. */
export function confirmationNote(mode: string | undefined): string {
  if (mode === undefined) return `A person may have to approve it first: ${APPROVAL}`;
  return mode === "approver" ? `A person must approve it first: ${APPROVAL}` : "Runs at once.";
}
