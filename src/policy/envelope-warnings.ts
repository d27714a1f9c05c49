import type { EnvelopeFile, PolicyFile } from "../contract/policy.ts";
import { normalisePath } from "../lib/posix-path.ts";
import { matchApplication } from "./application-rule.ts";
import { AGENT_ACTIONS, applyEnvelopeDefaults } from "./envelope-defaults.ts";

/** What is worth a person's look, with its place below the envelope. */
export interface EnvelopeWarning {
  readonly at: readonly (string | number)[];
  readonly problem: string;
}

/** Beyond this many actions or seconds nobody follows what an agent does. */
const MANY_ACTIONS = 1000;
const LONG_S = 3600;

/** Where the envelope of an agent reaches far, or says what can never hold. */
export function envelopeWarnings(file: PolicyFile, given: EnvelopeFile): EnvelopeWarning[] {
  const { actions, applications, paths, max_actions, max_duration_s } = applyEnvelopeDefaults(
    undefined,
    given,
  );
  const warnings: EnvelopeWarning[] = [];
  const warn = (at: EnvelopeWarning["at"], problem: string) => warnings.push({ at, problem });

  given.actions?.forEach((action, index) => {
    if (!AGENT_ACTIONS.has(action)) {
      warn(["actions", index], `${action} is nothing an agent can do by itself`);
    } else if (file.capabilities[action]?.enabled !== true) {
      warn(["actions", index], `${action} is not enabled, so no plan may name it`);
    }
  });
  if (applications.length > 0 && !actions.includes("app.open")) {
    warn(["applications"], "says nothing without app.open among the actions");
  }
  const openable = file.capabilities["app.open"]?.allowed_apps ?? [];
  applications.forEach((application, index) => {
    if ("problem" in matchApplication(application, openable)) {
      warn(["applications", index], "app.open does not allow it, so an agent cannot open it");
    }
  });
  if (paths.length > 0 && !actions.some((action) => action.startsWith("fs."))) {
    warn(["paths"], "says nothing without fs.read or fs.write among the actions");
  }
  paths.forEach((path, index) => {
    if (normalisePath(path) === "/") warn(["paths", index], "holds every path");
  });
  if (max_actions > MANY_ACTIONS) {
    warn(["max_actions"], `${max_actions} actions are more than a person follows`);
  }
  if (max_duration_s > LONG_S) {
    warn(["max_duration_s"], `an agent may act by itself for more than ${LONG_S / 60} minutes`);
  }
  const ends = file.security?.max_task_duration_s ?? 300;
  if (max_duration_s > ends) {
    warn(["max_duration_s"], `never reached: security.max_task_duration_s is ${ends}`);
  }
  return warnings;
}
