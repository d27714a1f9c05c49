import { makeVisible } from "../lib/inert.ts";
import type { SurfaceView } from "../tasks/tasks.ts";
import type { CardBlock, CardView } from "../tools/cards/card-messages.ts";
import { viewCard } from "../tools/cards/card-view.ts";

/** Characters of a plan that a dialog can be trusted to show. */
const MAX_SHOWN = 12_000;

export interface PlanQuestion {
  readonly taskId: string;
  readonly planDigest: string;
  /** The plan whole. */
  readonly message: string;
}

/**
 * What a dialog asks of a plan, or undefined where it may not be decided there: what cannot be shown
 * whole as text cannot be approved by it. The plan stands in a fenced block, so that a client that
 * renders Markdown hides and forms nothing of it.
 */
export function askAboutPlan(surface: SurfaceView): PlanQuestion | undefined {
  const card = viewCard(surface);
  if (!card.decidable || card.steps.some(({ picture }) => picture !== undefined)) return undefined;
  const plan = linesOf(card).join("\n");
  if (plan.length > MAX_SHOWN) return undefined;
  const fence = "`".repeat(longestRun(plan) + 3);
  return {
    taskId: card.task_id,
    planDigest: card.plan_digest,
    message: `May this be done? Nothing of it has run yet.\n\n${fence}text\n${plan}\n${fence}`,
  };
}

function linesOf({ headline, risk, steps, facts }: CardView): string[] {
  return [
    ...blockLines({ label: "Plan", text: headline }),
    `Risk: ${risk}`,
    ...steps.flatMap((step) => [
      "",
      ...blockLines({ label: "Step", text: `${step.title} (risk: ${step.risk})` }),
      ...step.blocks.flatMap(blockLines),
    ]),
    "",
    ...facts.flatMap(blockLines),
  ];
}

/** Text of several lines is set off, so that none of them passes for a label of ours. */
function blockLines({ label, text }: CardBlock): string[] {
  const name = makeVisible(label);
  const lines = text.split("\n");
  if (lines.length === 1) return [`${name}: ${text}`];
  return [`${name}:`, ...lines.map((line) => `  | ${line}`)];
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}
