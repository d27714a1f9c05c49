import type { Envelope, EnvelopeFile } from "../contract/policy.ts";
import { normalisePath } from "../lib/posix-path.ts";
import { count, named } from "./wording.ts";

/** What an agent may do where neither the plan nor the policy says so: look and use the screen. */
const USUAL_ACTIONS = [
  "screen.capture",
  "screen.cursor",
  "mouse.move",
  "mouse.click",
  "mouse.press",
  "mouse.drag",
  "mouse.trace",
  "mouse.scroll",
  "keyboard.type",
  "keyboard.paste",
  "keyboard.chord",
  "keyboard.press",
  "wait",
];
const USUAL_MAX_ACTIONS = 200;
const USUAL_MAX_DURATION_S = 300;

/** The envelope of a plan: what it asks for, else what the policy gives, else the usual. */
export function completeEnvelope(
  asked: EnvelopeFile | undefined,
  given: EnvelopeFile | undefined,
): Envelope {
  const { actions, applications, paths, max_actions, max_duration_s, region } = {
    ...given,
    ...asked,
  };
  return {
    actions: actions ?? USUAL_ACTIONS,
    applications: applications ?? [],
    paths: (paths ?? []).map((path) => normalisePath(path)),
    max_actions: max_actions ?? USUAL_MAX_ACTIONS,
    max_duration_s: max_duration_s ?? USUAL_MAX_DURATION_S,
    ...(region !== undefined && { region }),
  };
}

/** The envelope in words, a sentence each. */
export function describeEnvelope(envelope: Envelope): string[] {
  const { actions, applications, paths, max_actions, max_duration_s, region } = envelope;
  return [
    actions.length === 0 ? "It may do nothing." : `It may use ${actions.join(", ")}.`,
    ...(actions.includes("app.open") ? [listed("It may open", applications, "application")] : []),
    ...(actions.some((action) => action.startsWith("fs."))
      ? [listed("It may touch what lies in", paths, "path")]
      : []),
    region === undefined
      ? "Its pointer may go anywhere on the screen."
      : `Its pointer may act from ${region.x}, ${region.y} on, ${region.width}×${region.height} pixels.`,
    `It may take ${count(max_actions, "action")} in ${count(max_duration_s, "second")}.`,
  ];
}

function listed(lead: string, names: readonly string[], what: string): string {
  return names.length === 0 ? `${lead} no ${what}.` : `${lead} ${names.map(named).join(", ")}.`;
}
