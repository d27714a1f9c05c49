import { INPUT_ACTIONS } from "../contract/desktop.ts";
import type { Envelope, EnvelopeFile } from "../contract/policy.ts";
import { normalisePath } from "../lib/posix-path.ts";

/** What an agent may do where neither the plan nor the policy says so: look and use the screen. */
const USUAL: Envelope = {
  actions: ["screen.capture", "screen.cursor", ...INPUT_ACTIONS, "wait"],
  applications: [],
  paths: [],
  max_actions: 200,
  max_duration_s: 300,
};

/** Every action an agent has a way to take: the others never reach it. */
export const AGENT_ACTIONS: ReadonlySet<string> = new Set([
  ...USUAL.actions,
  "app.open",
  "fs.read",
  "fs.write",
]);

/** The envelope of a plan: what it asks for, else what the policy gives, else the usual. */
export function applyEnvelopeDefaults(
  asked: EnvelopeFile | undefined,
  given: EnvelopeFile | undefined,
): Envelope {
  const envelope = { ...USUAL, ...given, ...asked };
  return { ...envelope, paths: envelope.paths.map((path) => normalisePath(path)) };
}
