import type { Parameters, StepView, TaskView } from "../../contract/task.ts";
import { IMAGE_TYPES } from "../../lib/image-types.ts";
import { makeVisible } from "../../lib/inert.ts";
import type { SurfaceView } from "../../tasks/tasks.ts";
import { isFinished } from "../../tasks/transitions.ts";
import type { CardBlock, CardStep, CardView } from "./card-messages.ts";
import { previewBlocks } from "./preview-blocks.ts";

/** Characters of a plan that a person can be asked to read in a chat. */
const MAX_SHOWN = 100_000;
/** Of a result, which is not decided on. */
const MAX_RESULT = 20_000;

/**
 * Everything the card shows, as text that is only ever shown: what a terminal or page would hide is
 * written out. What is too long to be shown whole cannot be decided here.
 */
export function viewCard({ task, denial }: SurfaceView): CardView {
  const steps = task.steps.map(viewStep);
  const size = steps
    .flatMap(({ blocks }) => blocks)
    .reduce((sum, { text }) => sum + text.length, 0);
  const isTooLong = size > MAX_SHOWN;
  const why = denial ?? (isTooLong ? "It is too long to be shown here whole." : undefined);
  const { status } = task;
  return {
    task_id: task.task_id,
    plan_digest: task.plan_digest,
    status,
    finished: isFinished(status),
    headline:
      task.title === undefined ? HEADLINES[status] : `${HEADLINES[status]}: ${shown(task.title)}`,
    risk: task.estimated_risk,
    facts: factsOf(task),
    steps: isTooLong ? steps.map(cutStep) : steps,
    decidable: why === undefined,
    ...(why !== undefined && { why_not: why }),
    confirmation_url: task.confirmation.url,
    progress: task.progress,
    ...(task.message !== undefined && { message: shown(task.message) }),
    outcome: outcomeOf(task),
    pictures: task.artifacts
      .filter(({ media_type }) => IMAGE_TYPES.has(media_type))
      .map(({ id }) => id),
  };
}

const HEADLINES: Readonly<Record<TaskView["status"], string>> = {
  planned: "Waits for a decision",
  awaiting_confirmation: "Waits for a decision",
  ready: "Approved, not started",
  queued: "Approved, starts in a moment",
  running: "Running",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  interrupted: "Interrupted: nobody knows how far it came",
  rejected: "Rejected: nothing has run",
  expired: "Expired: nothing has run",
};

const shown = (text: string): string => makeVisible(text, { multiline: true });

function factsOf(task: TaskView): CardBlock[] {
  const { requested_by: person, approvals } = task;
  const who = [person?.name, person?.email, person?.id].filter((part) => part !== undefined);
  const proof = person?.verified ? "verified" : "only claimed";
  return [
    { label: "Desktop", text: shown(task.desktop) },
    { label: "Planned with key", text: shown(task.requester) },
    ...(who.length > 0 ? [{ label: `For (${proof})`, text: shown(who.join(", ")) }] : []),
    ...approvals.map(({ key_id, via, at }) => ({
      label: "Approved",
      text: `${key_id}${via === undefined ? "" : `, on its ${via}`}, ${at}`,
    })),
    { label: "Expires", text: task.expires_at },
    { label: "Task", text: task.task_id },
  ];
}

function viewStep(step: StepView, index: number, { length }: readonly StepView[]): CardStep {
  const number = length === 1 ? "" : `${index + 1}. `;
  const { preview } = step;
  return {
    title: `${number}${shown(step.summary)}`,
    risk: step.risk,
    blocks: [
      { label: "Action", text: shown(step.action) },
      ...step.reasons.map((reason) => ({ label: "Because", text: shown(reason) })),
      ...previewBlocks(preview),
      ...parameterBlocks(step.parameters),
    ],
    ...(preview?.kind === "screenshot" && { picture: preview.artifact_id }),
  };
}

/** Text as it is, everything else as JSON. */
function parameterBlocks(parameters: Parameters): CardBlock[] {
  return Object.entries(parameters).map(([name, value]) => ({
    label: shown(name),
    text: shown(typeof value === "string" ? value : JSON.stringify(value, null, 2)),
  }));
}

function cutStep({ blocks, ...step }: CardStep): CardStep {
  return { ...step, blocks: blocks.map(({ label, text }) => ({ label, text: cut(text, 2000) })) };
}

function outcomeOf({ status, result, error, rejection }: TaskView): CardBlock[] {
  const { reason, proposal } = rejection ?? {};
  return [
    ...(error === null ? [] : [{ label: "Error", text: shown(`${error.code}: ${error.detail}`) }]),
    ...(error?.hint === undefined ? [] : [{ label: "Hint", text: shown(error.hint) }]),
    ...(reason === undefined ? [] : [{ label: "Reason", text: shown(reason) }]),
    ...(proposal === undefined
      ? []
      : [
          {
            label: "Proposed instead",
            text: cut(shown(JSON.stringify(proposal, null, 2)), MAX_RESULT),
          },
        ]),
    ...(status !== "completed" || result === null
      ? []
      : Object.entries(result).map(([name, value]) => ({
          label: shown(name),
          text: cut(
            shown(typeof value === "string" ? value : JSON.stringify(value, null, 2)),
            MAX_RESULT,
          ),
        }))),
  ];
}

function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max).toWellFormed()}… (${text.length - max} more characters, not shown here)`;
}
