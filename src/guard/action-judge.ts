import { GatewayError } from "../contract/errors.ts";
import type { Parameters } from "../contract/task.ts";
import { JsonError, parseJson } from "../lib/json.ts";
import { readPngSize } from "../lib/png.ts";
import { decide } from "../policy/decide.ts";
import type { DaemonAnswer, GuardedRun } from "../tasks/agent-guard.ts";
import { fileSizeLimit } from "../tasks/limits.ts";
import { checkEnvelope, checkRegion, type Point, pointsOf } from "./envelope-check.ts";
import type { SessionDeps } from "./session-deps.ts";
import { type AgentAction, translate } from "./translate.ts";

/** Bytes of a request that carries no file. */
export const MAX_REQUEST_BYTES = 1024 * 1024;
/** base64 characters of a PNG that hold its size. */
const PNG_HEAD = 64;

/** Says whether an agent may do what it asks for. */
export class ActionJudge {
  readonly #run: GuardedRun;
  readonly #deps: SessionDeps;
  readonly #signal: AbortSignal;
  readonly #begun: number;
  /** Of the newest screenshot the agent took. */
  #screen: { readonly width: number; readonly height: number } | undefined;

  constructor(run: GuardedRun, deps: SessionDeps, signal: AbortSignal) {
    this.#run = run;
    this.#deps = deps;
    this.#signal = signal;
    this.#begun = deps.now();
  }

  /** The action a body asks for. Throws `invalid_request`, `capability_unknown`, `body_too_large`. */
  read(body: Uint8Array): AgentAction {
    const action = translate(this.#deps.capabilities, parse(body));
    if (body.length > MAX_REQUEST_BYTES && action.capability.action !== "fs.write") {
      throw new GatewayError("body_too_large", "The request is larger than any but of a file.", {
        hint: `Only a file may take more than ${MAX_REQUEST_BYTES} bytes.`,
      });
    }
    return action;
  }

  /**
   * The action as it may be carried out after `taken` others. Throws a GatewayError where it may not,
   * and what asking for the pointer's position comes to.
   */
  async judge(action: AgentAction, taken: number): Promise<AgentAction> {
    const { envelope } = this.#run;
    const elapsedMs = this.#deps.now() - this.#begun;
    checkEnvelope(envelope, action, { actions: taken, elapsedMs });
    // The policy first: it may forbid what else would be asked about the pointer.
    this.checkPolicy(action);
    this.#checkScreen(pointsOf(action) ?? []);
    if (envelope.region === undefined) return action;
    const settled = await this.#settlePointer(action);
    checkRegion(envelope, pointsOf(settled) ?? []);
    return settled;
  }

  /** Keeps what an answer tells of the desktop. Throws `file_too_large` for a file over the limit. */
  learn({ capability }: AgentAction, { body }: DaemonAnswer): void {
    if (typeof body !== "object" || body === null) return;
    if (capability.action === "screen.capture" && "image" in body) {
      this.#screen = sizeOf(body.image) ?? this.#screen;
    }
    if (capability.action === "fs.read" && "data" in body && typeof body.data === "string") {
      this.#checkFileSize(capability.action, Buffer.byteLength(body.data, "base64"));
    }
  }

  /** Throws what the present policy has against the action, whatever envelope there is. */
  checkPolicy({ capability, parameters }: AgentAction): void {
    const { requester } = this.#run.io;
    const principal = this.#deps.findPrincipal(requester);
    if (principal === undefined || !principal.scopes.has("execute")) {
      throw new GatewayError("scope_missing", `Key ${requester} is no longer valid.`, {
        hint: "A revoked key ends what it planned.",
      });
    }
    const facts = capability.facts(parameters);
    // Who has to confirm it is settled: the envelope was approved with the task.
    const decision = decide(this.#deps.policy(), principal, {
      action: capability.action,
      risk: capability.risk,
      facts,
      riskFactors: capability.riskFactors(parameters),
    });
    if (decision.effect === "deny") {
      throw new GatewayError(decision.code, decision.detail, decision.extras);
    }
    if (facts.contentSize !== undefined) this.#checkFileSize(capability.action, facts.contentSize);
  }

  #checkFileSize(action: string, size: number): void {
    const limit = fileSizeLimit(this.#deps.policy(), action, this.#deps.maxFileSize);
    // A text that is typed is bounded by its own schema.
    if (!action.startsWith("fs.") || size <= limit) return;
    throw new GatewayError("file_too_large", `The file has ${size} bytes, more than ${limit}.`, {
      hint: "An operator can raise MAX_FILE_SIZE_MB.",
    });
  }

  #checkScreen(points: readonly Point[]): void {
    if (this.#screen === undefined) return;
    const { width, height } = this.#screen;
    const stray = points.find(({ x, y }) => x >= width || y >= height);
    if (stray === undefined) return;
    throw new GatewayError(
      "invalid_request",
      `${stray.x}, ${stray.y} is outside of the screen, which has ${width}×${height} pixels.`,
      { hint: "Take a screenshot and aim at what it shows." },
    );
  }

  /** An action at the pointer, wherever that is, becomes one at the place that is judged. */
  async #settlePointer(action: AgentAction): Promise<AgentAction> {
    if (pointsOf(action) !== undefined) return action;
    const { body } = await this.#run.forward({ action: "cursor_position" }, this.#signal);
    const { x, y } = (body ?? {}) as Parameters;
    if (!isPixel(x) || !isPixel(y)) {
      throw new GatewayError("bytebot_error", "ByteBot does not tell where the pointer is.", {
        hint: "Name coordinates.",
      });
    }
    return { ...action, parameters: { ...action.parameters, coordinates: { x, y } } };
  }
}

const isPixel = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 32_767;

function sizeOf(image: unknown): { width: number; height: number } | undefined {
  if (typeof image !== "string") return undefined;
  try {
    return readPngSize(Buffer.from(image.slice(0, PNG_HEAD), "base64"));
  } catch {
    return undefined;
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return parseJson(body);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new GatewayError("invalid_request", "The request is not strict JSON.", {}, error);
  }
}
