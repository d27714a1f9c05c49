import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { Policy } from "../contract/policy.ts";
import { FileWatcher } from "../lib/file-watcher.ts";
import { buildPolicy, type Surroundings } from "./build-policy.ts";
import { DEFAULT_POLICY } from "./default-policy.ts";
import { describeProblems, validatePolicy } from "./validate-policy.ts";

export interface PolicySourceOptions extends Surroundings {
  /** Path of policy.json; it may be missing. */
  readonly file: string;
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

/**
 * The policy in force. It is read once when constructed (throws PolicyError for a bad file; a
 * missing one is the shipped default) and again whenever the file's content changes. A bad file
 * keeps the policy before it and is named in `problem`; so does a file that disappears, because an
 * empty place must not loosen a running policy. `reload` is a person's word and takes it as the
 * default.
 */
export class PolicySource implements AsyncDisposable {
  #current: Policy;
  #loadedAt = new Date().toISOString();
  #problem: string | undefined;
  /** Of the content last looked at, good or bad. */
  #seen: string;
  readonly #watcher: FileWatcher | undefined;
  readonly #options: PolicySourceOptions;
  readonly #reloaded = new Set<(policy: Policy) => void>();
  readonly #refused = new Set<(problem: string) => void>();

  constructor(options: PolicySourceOptions) {
    this.#options = options;
    const content = readPolicyFile(options.file);
    const read = this.#read(content);
    if ("problems" in read) throw new PolicyError(options.file, read.problems);
    this.#current = read.policy;
    this.#seen = fingerprint(content);
    if (options.watch !== false) {
      this.#watcher = new FileWatcher(options.file, () => this.#changed());
    }
  }

  get current(): Policy {
    return this.#current;
  }

  /** Why the file as it is now is not in force; undefined when it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Since when `current` is in force, ISO 8601. */
  get loadedAt(): string {
    return this.#loadedAt;
  }

  get file(): string {
    return this.#options.file;
  }

  /** What a file of this content would be taken as, or every reason to refuse it. Changes nothing. */
  examine(content: Uint8Array): { policy: Policy } | { problems: readonly string[] } {
    return this.#read(content);
  }

  /** Reads the file now (SIGHUP). Resolves also where it is bad: `problem` then says so. */
  async reload(): Promise<void> {
    this.#apply(readPolicyFile(this.#options.file));
  }

  /** Called with each new policy; returns the function that ends it. */
  onReload(listener: (policy: Policy) => void): () => void {
    this.#reloaded.add(listener);
    return () => this.#reloaded.delete(listener);
  }

  /** Called whenever a file is refused; returns the function that ends it. */
  onRefused(listener: (problem: string) => void): () => void {
    this.#refused.add(listener);
    return () => this.#refused.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.[Symbol.dispose]();
  }

  #changed(): void {
    const content = readPolicyFile(this.#options.file);
    const print = fingerprint(content);
    if (print === this.#seen) return;
    if (content === undefined) {
      this.#seen = print;
      this.#refuse(["the file is gone; the policy read before stays in force"]);
    } else {
      this.#apply(content);
    }
  }

  #apply(content: PolicyContent): void {
    this.#seen = fingerprint(content);
    const read = this.#read(content);
    if ("problems" in read) {
      this.#refuse(read.problems);
      return;
    }
    this.#problem = undefined;
    this.#current = read.policy;
    this.#loadedAt = new Date().toISOString();
    for (const listener of this.#reloaded) listener(read.policy);
  }

  #refuse(problems: readonly string[]): void {
    this.#problem = `${basename(this.#options.file)}: ${problems.join("; ")}`;
    for (const listener of this.#refused) listener(this.#problem);
  }

  #read(content: PolicyContent): { policy: Policy } | { problems: readonly string[] } {
    if (typeof content === "string") return { problems: [content] };
    const validated =
      content === undefined
        ? { file: DEFAULT_POLICY }
        : validatePolicy(content, this.#options.actions);
    if ("problems" in validated) return { problems: describeProblems(validated.problems) };
    const policy = buildPolicy(validated.file, this.#options);
    const objection = this.#options.accept?.(policy);
    return objection === undefined ? { policy } : { problems: [objection] };
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
  if (content === undefined) return "missing";
  return createHash("sha256").update(content).digest("hex");
}
