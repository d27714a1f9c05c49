import type { ErrorCode, ErrorExtras } from "../contract/errors.ts";
import type { ConfirmationMode, Envelope, RiskLevel } from "../contract/policy.ts";

/** What an action touches, stated by its capability for the checks. Absent: not concerned. */
export interface Facts {
  /** Normalised absolute path. */
  readonly path?: string;
  /** Bytes the request itself carries. */
  readonly contentSize?: number;
  /** The URL as asked for; the check parses it. */
  readonly url?: string;
  readonly command?: readonly string[];
  readonly application?: string;
  /** Files that come with the request: each is held to what fs.write may. */
  readonly files?: readonly { readonly path: string; readonly contentSize: number }[];
  /** Within what an agent shall act by itself. */
  readonly envelope?: Envelope;
}

/** A reason for which an action is riskier than its level says. */
export interface RiskFactor {
  readonly reason: string;
  /** `one`: a level up; `high`: straight to high. */
  readonly by: "one" | "high";
}

/** What is put before the policy. */
export interface Proposal {
  readonly action: string;
  /** The capability's own level; the policy may set another. */
  readonly risk: RiskLevel;
  readonly facts: Facts;
  readonly riskFactors: readonly RiskFactor[];
}

export interface Denial {
  readonly effect: "deny";
  readonly code: ErrorCode;
  /** Where the rule stands, e.g. `capabilities["fs.read"].allowed_paths`. */
  readonly rule: string;
  readonly detail: string;
  readonly extras: ErrorExtras;
}

export interface Permission {
  readonly effect: "allow";
  readonly risk: RiskLevel;
  /** Why the risk is what it is, and which rule set the mode; shown to people. */
  readonly reasons: readonly string[];
  readonly mode: ConfirmationMode;
  /** Distinct approvers; 0 unless the mode is `approver`. */
  readonly approvals: number;
  /** The rule that set the mode, e.g. `confirmation.medium`. */
  readonly rule: string;
}

export type Decision = Denial | Permission;
