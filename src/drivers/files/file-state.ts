import { GatewayError } from "../../contract/errors.ts";

/** What a plan binds of a file: `sha256:…`, `absent`, or `unreadable` for what no step would touch. */
export type FileState = string;

export const ABSENT = "absent";
/** A link, a directory, a file over the limit: the step fails, unless this changes first. */
export const UNREADABLE = "unreadable";

/** What is known of the file that a plan is about. */
export interface Examined {
  readonly state: FileState;
  /** Bytes; undefined where there is no file or none that can be read. */
  readonly size: number | undefined;
  readonly isExecutable: boolean;
  /** Why the state cannot be known, where it is `unreadable`. */
  readonly problem: GatewayError | undefined;
}

/** The name a file's state is bound under. */
export function bindingOf(path: string): string {
  return `file:${path}`;
}

/**
 * Throws `state_changed` where a file is not what the plan was made for, else what makes it
 * unreadable. A plan that binds nothing accepts any state.
 */
export function holdTo(
  bound: Readonly<Record<string, string>>,
  path: string,
  target: Pick<Examined, "state" | "problem">,
): void {
  const expected = bound[bindingOf(path)];
  if (expected !== undefined && expected !== target.state) {
    throw new GatewayError(
      "state_changed",
      `${path} is not as it was when this was planned`,
      {
        hint: "Plan again: the new preview shows the file as it is now.",
      },
      target.problem,
    );
  }
  if (target.problem !== undefined) throw target.problem;
}
