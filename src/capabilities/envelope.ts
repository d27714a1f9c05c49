import type { Envelope, EnvelopeFile } from "../contract/policy.ts";
import { normalisePath } from "../lib/posix-path.ts";
import { pathRuleProblem } from "../policy/path-rule.ts";
import { refuse } from "./define-capability.ts";
import { count, named } from "./wording.ts";

/** What a plan asks for, with its paths normalised. Throws `invalid_request` for a path that is none. */
export function readEnvelope(asked: EnvelopeFile): EnvelopeFile {
  const { paths } = asked;
  if (paths === undefined) return asked;
  for (const [index, path] of paths.entries()) {
    const problem = pathRuleProblem(path);
    if (problem === undefined) continue;
    throw refuse(`envelope/paths/${index}`, problem, "Send an absolute path such as /home/user.");
  }
  return { ...asked, paths: paths.map((path) => normalisePath(path)) };
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
