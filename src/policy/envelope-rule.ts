import type { ErrorCode } from "../contract/errors.ts";
import type { Envelope, EnvelopeFile } from "../contract/policy.ts";
import { oneLine } from "../lib/inert.ts";
import { matchApplication } from "./application-rule.ts";
import { AGENT_ACTIONS, applyEnvelopeDefaults } from "./envelope-defaults.ts";
import { matchPath } from "./path-rule.ts";

/** Where an envelope is wider than it may be. */
export interface EnvelopeExcess {
  readonly member: keyof Envelope;
  readonly code: ErrorCode;
  readonly problem: string;
  /** What the policy's envelope would have to say; absent where none could allow it. */
  readonly wider?: EnvelopeFile;
}

/**
 * The first way in which an envelope is wider than the policy's, or undefined. What the policy's
 * does not say is bounded by the usual, so that enabling an agent alone never gives more.
 */
export function findExcess(
  asked: Envelope,
  given: EnvelopeFile | undefined,
): EnvelopeExcess | undefined {
  const bound = applyEnvelopeDefaults(undefined, given);
  for (const find of FINDERS) {
    const denial = find(asked, bound);
    if (denial !== undefined) return denial;
  }
  return undefined;
}

type Finder = (asked: Envelope, bound: Envelope) => EnvelopeExcess | undefined;

const FINDERS: readonly Finder[] = [
  findImpossible,
  findAction,
  findApplication,
  findPath,
  (asked, bound) => findNumber("max_actions", asked, bound),
  (asked, bound) => findNumber("max_duration_s", asked, bound),
  findRegion,
];

const shown = (text: string): string => oneLine(text, 300);

function findImpossible({ actions }: Envelope): EnvelopeExcess | undefined {
  const action = actions.find((name) => !AGENT_ACTIONS.has(name));
  if (action === undefined) return undefined;
  const problem = `${shown(action)} is nothing an agent can do by itself`;
  return { member: "actions", code: "invalid_request", problem };
}

function findAction({ actions }: Envelope, bound: Envelope): EnvelopeExcess | undefined {
  const action = actions.find((name) => !bound.actions.includes(name));
  if (action === undefined) return undefined;
  return {
    member: "actions",
    code: "capability_disabled",
    problem: `an agent may not use ${shown(action)}`,
    wider: { actions: [...bound.actions, action] },
  };
}

function findApplication({ applications }: Envelope, bound: Envelope): EnvelopeExcess | undefined {
  for (const application of applications) {
    const found = matchApplication(application, bound.applications);
    if ("rule" in found) continue;
    return {
      member: "applications",
      code: "application_not_allowed",
      problem: `an agent may not open ${shown(application)}: ${found.problem}`,
      ...(found.entry !== undefined && {
        wider: { applications: [...bound.applications, found.entry] },
      }),
    };
  }
  return undefined;
}

function findPath({ paths }: Envelope, bound: Envelope): EnvelopeExcess | undefined {
  for (const path of paths) {
    const found = matchPath(path, bound.paths);
    if ("rule" in found) continue;
    return {
      member: "paths",
      code: "path_not_allowed",
      problem: `an agent may not touch ${shown(path)}: ${found.problem}`,
      ...(found.entry !== undefined && { wider: { paths: [...bound.paths, found.entry] } }),
    };
  }
  return undefined;
}

function findNumber(
  member: "max_actions" | "max_duration_s",
  asked: Envelope,
  bound: Envelope,
): EnvelopeExcess | undefined {
  if (asked[member] <= bound[member]) return undefined;
  return {
    member,
    code: "invalid_request",
    problem: `${member} is ${asked[member]}, more than ${bound[member]}`,
    wider: { [member]: asked[member] },
  };
}

function findRegion(
  { region: asked }: Envelope,
  { region: bound }: Envelope,
): EnvelopeExcess | undefined {
  if (bound === undefined) return undefined;
  const inside =
    asked !== undefined &&
    asked.x >= bound.x &&
    asked.y >= bound.y &&
    asked.x + asked.width <= bound.x + bound.width &&
    asked.y + asked.height <= bound.y + bound.height;
  if (inside) return undefined;
  return {
    member: "region",
    code: "invalid_request",
    problem: `its region goes beyond ${bound.width}×${bound.height} pixels from ${bound.x}, ${bound.y} on`,
    ...(asked !== undefined && { wider: { region: asked } }),
  };
}
