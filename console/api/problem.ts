import type { Problem } from "../../src/contract/service.ts";

/** An answer that refused, or none at all (`code` is then `unreachable`). */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly problem: Problem | undefined;

  constructor(status: number, problem: Partial<Problem> & { code: string; detail: string }) {
    super(problem.detail);
    this.status = status;
    this.code = problem.code;
    this.hint = problem.hint;
    this.problem = "title" in problem ? (problem as Problem) : undefined;
  }
}

export function isProblem(error: unknown, code?: string): error is ProblemError {
  return error instanceof ProblemError && (code === undefined || error.code === code);
}

/** What a person is told of whatever was thrown. */
export function problemOf(error: unknown): { detail: string; hint?: string; code?: string } {
  if (error instanceof ProblemError) {
    return {
      detail: error.message,
      code: error.code,
      ...(error.hint !== undefined && { hint: error.hint }),
    };
  }
  if (error instanceof Error && error.name === "NotAllowedError") {
    return {
      detail: "The passkey was not used: it was cancelled, or took too long.",
      hint: "Try again; nothing has happened.",
    };
  }
  return { detail: error instanceof Error ? error.message : "Something unforeseen went wrong." };
}
