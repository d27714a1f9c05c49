import type { ErrorCode } from "../contract/errors.ts";
import type { Parameters, Preview } from "../contract/task.ts";
import type { PlannedStep } from "./task.ts";

export type Availability =
  | { readonly available: true }
  | {
      readonly available: false;
      readonly code: Extract<ErrorCode, "desktop_unavailable" | "capability_disabled">;
      /** What is missing. */
      readonly reason: string;
      /** What to install or change. */
      readonly hint: string;
    };

/** What planning learns of the desktop. Reveals content: for approvers unless policy lets the key read. */
export interface Inspection {
  readonly bound: Readonly<Record<string, string>>;
  /** Reasons to raise the risk by one level each that depend on the desktop's state. */
  readonly raises: readonly string[];
  readonly preview?: Preview;
}

/** What a step may use while it runs. */
export interface StepIo {
  /** Aborts on cancel, stop, time-out and shutdown. */
  readonly signal: AbortSignal;
  /** Largest file to read or write, bytes. */
  readonly maxFileSize: number;
  /** `fraction` of this step, 0 to 1. */
  progress(fraction: number, message: string): void;
  /** Keeps bytes as an artifact of the step and returns its id. */
  keepArtifact(artifact: {
    name: string;
    mediaType: string;
    content: Uint8Array | AsyncIterable<Uint8Array>;
  }): Promise<string>;
}

/**
 * Performs approved steps on one backend. `inspect` has no effect; `perform` has it at most once and
 * rejects with a GatewayError, `outcome_unknown` where it cannot tell whether it happened, and
 * `state_changed` where `step.bound` no longer holds.
 */
export interface Driver extends AsyncDisposable {
  readonly name: string;
  /** Names of the desktops it drives; the first is the default. */
  readonly desktops: readonly string[];
  availability(action: string): Availability;
  inspect(action: string, parameters: Parameters, maxFileSize: number): Promise<Inspection>;
  perform(step: PlannedStep, io: StepIo): Promise<Record<string, unknown>>;
  /** For /ready: resolves with what is wrong, or undefined. */
  health(): Promise<{ detail: string; hint: string } | undefined>;
}
