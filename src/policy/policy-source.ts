import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Policy, PolicyFile } from "../contract/policy.ts";
import { MISSING } from "../lib/file-state.ts";
import { ReloadingFile } from "../lib/reloading-file.ts";
import { buildPolicy, type Surroundings } from "./build-policy.ts";
import { describeProblems, validatePolicy } from "./validate-policy.ts";

export interface PolicySourceOptions extends Surroundings {
  /** Path of policy.json; it may be missing. */
  readonly file: string;
  /** The policy where there is no file. */
  readonly defaultPolicy: PolicyFile;
  /** A reason to refuse a policy that is valid in itself, e.g. unsigned off loopback. */
  readonly accept?: (policy: Policy) => string | undefined;
  /** Follow changes of the file; true by default. */
  readonly watch?: boolean;
}

/** A policy file nothing can start with: the message lists every problem with its JSON pointer. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    super(`${file} is refused:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
    this.problems = problems;
  }
}

const MAX_BYTES = 4 * 1024 * 1024;

interface Read {
  readonly policy: Policy;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * The policy in force: read when constructed (throws PolicyError for a bad file; a missing one is the
 * shipped default) and again whenever the file's content changes. See ReloadingFile for what happens
 * to a bad file, and to one that disappears.
 */
export class PolicySource implements Disposable {
  readonly #options: PolicySourceOptions;
  readonly #source: ReloadingFile<Read>;

  constructor(options: PolicySourceOptions) {
    this.#options = options;
    const { file, watch = true } = options;
    this.#source = new ReloadingFile({
      file,
      watch,
      load: () => {
        const read = this.examine(readPolicyFile(file));
        if ("problems" in read) throw new PolicyError(file, read.problems);
        return { policy: read.policy, at: new Date().toISOString() };
      },
      // A write that puts the same policy there changes nothing.
      state: () => fingerprint(readPolicyFile(file)),
      describe: (error) =>
        error instanceof PolicyError ? error.problems.join("; ") : String(error),
      kept: "the policy read before stays in force",
    });
  }

  get current(): Policy {
    return this.#source.current.policy;
  }

  /** Why the file as it is now is not in force; undefined when it is. */
  get problem(): string | undefined {
    return this.#source.problem;
  }

  /** Since when `current` is in force, ISO 8601. */
  get loadedAt(): string {
    return this.#source.current.at;
  }

  get file(): string {
    return this.#options.file;
  }

  /** What a file of this content would be taken as, or every reason to refuse it. Changes nothing. */
  examine(content: PolicyContent): { policy: Policy } | { problems: readonly string[] } {
    if (typeof content === "string") return { problems: [content] };
    const validated =
      content === undefined
        ? { file: this.#options.defaultPolicy }
        : validatePolicy(content, this.#options.actions);
    if ("problems" in validated) return { problems: describeProblems(validated.problems) };
    const policy = buildPolicy(validated.file, this.#options);
    const objection = this.#options.accept?.(policy);
    return objection === undefined ? { policy } : { problems: [objection] };
  }

  /** Reads the file now (SIGHUP). Returns also where it is bad: `problem` then says so. */
  reload(): void {
    this.#source.reload();
  }

  /** Called with each new policy; returns the function that ends it. */
  onReload(listener: (policy: Policy) => void): () => void {
    return this.#source.onReload(({ policy }) => listener(policy));
  }

  /** Called whenever a file is refused; returns the function that ends it. */
  onRefused(listener: (problem: string) => void): () => void {
    return this.#source.onRefused(listener);
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
  }
}

/** The file's bytes, a problem with reading it, or undefined where there is none. */
type PolicyContent = Uint8Array | string | undefined;

function readPolicyFile(file: string): PolicyContent {
  try {
    const { size } = statSync(file);
    return size > MAX_BYTES ? `over ${MAX_BYTES} bytes` : readFileSync(file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function fingerprint(content: PolicyContent): string {
  if (content === undefined) return MISSING;
  return createHash("sha256").update(content).digest("hex");
}
