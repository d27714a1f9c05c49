import type { Duplex } from "node:stream";
import type { ErrorCode, GatewayError } from "../contract/errors.ts";
import type { EventData } from "../contract/event.ts";
import type { TargetCheck } from "../contract/policy.ts";
import type { Parameters, Preview } from "../contract/task.ts";
import type { Instruction } from "./execute/instruction.ts";
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

/** How planning looks at the desktop. */
export interface InspectContext {
  /** Largest file to read, bytes. */
  readonly maxFileSize: number;
  /** No earlier step of the plan changes the screen: what it shows now is what the step will meet. */
  readonly isScreenSettled: boolean;
  readonly targetCheck: TargetCheck;
  readonly signal: AbortSignal;
  /**
   * Asked before the screen is looked at, held until then: nobody sees what a person does who has
   * taken the desktop over. Rejects with `desktop_unavailable` where that goes on for too long.
   */
  turn(): Promise<Disposable>;
}

/** What planning learns of the desktop. Reveals content: for approvers unless policy lets the key read. */
export interface Inspection {
  readonly bound: Readonly<Record<string, string>>;
  /** Reasons to raise the risk by one level each that depend on the desktop's state. */
  readonly riskFactors: readonly string[];
  readonly preview?: Preview;
  /** The screen as it was, what the step aims at marked in it; a text preview is its note then. */
  readonly picture?: Picture;
}

export interface Picture {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** What is marked, in order. */
  readonly targets: readonly { readonly x: number; readonly y: number }[];
}

/** What a step may use while it runs. */
export interface StepIo {
  readonly taskId: string;
  /** The key that planned it. */
  readonly requester: string;
  /** Aborts on cancel, stop, time-out and shutdown. */
  readonly signal: AbortSignal;
  /** Largest file to read or write, bytes. */
  readonly maxFileSize: number;
  readonly targetCheck: TargetCheck;
  /**
   * Why the step may do nothing further, although it has begun: a stop, a key that is gone, a policy
   * that has become stricter. Undefined where it may.
   */
  findDenial(): GatewayError | undefined;
  /** `fraction` of this step, 0 to 1. The newest counts; some are passed over. */
  progress(fraction: number, message: string): void;
  /**
   * Commits a progress event, an audit record, or both as one; resolves when they are durable and
   * rejects with `audit_unavailable` where they cannot be. Content belongs in neither.
   */
  record(entry: {
    readonly event?: EventData & { readonly message: string };
    readonly audit?: {
      readonly type: string;
      readonly details: Readonly<Record<string, unknown>>;
    };
  }): Promise<void>;
  /** Takes what people tell the step while it runs; rejects with what they are answered. */
  onInstruction(handle: (instruction: Instruction) => Promise<void>): void;
  /** Keeps bytes as an artifact of the step and returns its id. */
  keepArtifact(artifact: {
    name: string;
    mediaType: string;
    content: Uint8Array | AsyncIterable<Uint8Array>;
  }): Promise<string>;
}

/**
 * Performs approved steps on one desktop. `inspect` has no effect; `perform` has it at most once and
 * rejects with a GatewayError, `outcome_unknown` where it cannot tell whether it happened, and
 * `state_changed` where `step.bound` no longer holds.
 */
export interface Driver extends AsyncDisposable {
  /** The kind of backend: `embedded`, `bytebot`. */
  readonly name: string;
  /** Resolves when what `availability` says is settled; absent: it is from the start. */
  readonly ready?: Promise<void>;
  availability(action: string): Availability;
  inspect(action: string, parameters: Parameters, look: InspectContext): Promise<Inspection>;
  perform(step: PlannedStep, io: StepIo): Promise<Record<string, unknown>>;
  /**
   * Told at the start of each step that was under way when an earlier run of the program ended:
   * what it had sent may still be going on, and keys may be held. `startedAt` in ms since the epoch.
   */
  recover?(steps: readonly PlannedStep[], startedAt: number): void;
  /** What others on the desktop wait for at this moment, and for how long yet; undefined: for nothing. */
  busy?(): { readonly what: string; readonly forMs: number } | undefined;
  /**
   * Resolves when all that was sent to the desktop before is over, also what nobody waits for any
   * more; rejects when the signal aborts. Absent: an aborted step leaves nothing going on.
   */
  settled?(signal: AbortSignal): Promise<void>;
  /**
   * Connects to the desktop's own VNC server: bytes of RFB (RFC 6143) from its greeting on. Absent:
   * it has none. Rejects with `bytebot_unavailable`, and when the signal aborts before it is there.
   */
  openVnc?(signal: AbortSignal): Promise<Duplex>;
  /** For /ready: resolves with what is wrong, or undefined. */
  health(): Promise<{ detail: string; hint: string } | undefined>;
}
