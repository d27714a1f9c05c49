import type { Envelope } from "../contract/policy.ts";
import type { Availability, StepIo } from "./driver.ts";

/** What the guard must know of an agent's task while the agent works on it. */
export interface GuardedRun {
  readonly desktop: string;
  /** What was approved with the task. */
  readonly envelope: Envelope;
  /** Files approved with the task: the agent puts them on its desktop itself when it begins. */
  readonly files: readonly ApprovedFile[];
  readonly io: StepIo;
  /** Why the agent may not act at this moment, or undefined: asked before every single action. */
  findAgentDenial(signal: AbortSignal): Promise<string | undefined>;
  /** The same for putting an approved file on the desktop, which it does before it begins. */
  findFileDenial(signal: AbortSignal): Promise<string | undefined>;
  /**
   * Sends one action to the desktop's daemon, in turn with everything else that desktop does, and
   * resolves with its answer. Rejects as `Driver.perform` does.
   */
  forward(request: DaemonRequest, signal: AbortSignal): Promise<DaemonAnswer>;
}

/** Passes once, outside of the envelope too: a person has seen it. */
export interface ApprovedFile {
  /** Where the agent writes it. */
  readonly path: string;
  /** `sha256:` and 64 hex digits. */
  readonly sha256: string;
}

/** The JSON body of POST /computer-use, made anew from what was checked. */
export interface DaemonRequest {
  readonly action: string;
  readonly [field: string]: unknown;
}

export interface DaemonAnswer {
  readonly status: number;
  /** Absent: the answer is empty. */
  readonly body?: unknown;
}

/** A run under guard; disposed, its agent can do nothing any more. */
export interface GuardedSession extends Disposable {
  /** Requests of the agent so far, refused ones too. */
  readonly requests: number;
  /** A desktop without a task that some agent has asked for before the first of them, as it was sent. */
  readonly missed: string | undefined;
  /** Until resumed the agent's requests are held: it waits for their answers, and does nothing. */
  pause(): void;
  resume(): void;
}

/** Stands between ByteBot's agent and its desktop. */
export interface AgentGuard {
  /** Whether an agent can be guarded at all here. */
  availability(): Availability;
  /** From now on the agent of that desktop may act, within the run's envelope. Throws where it is watched already. */
  begin(run: GuardedRun): GuardedSession;
}
