import { GatewayError } from "../../../contract/errors.ts";
import type { StepIo } from "../../../tasks/driver.ts";
import type { AgentBlock, AgentMessage } from "./agent-answers.ts";
import { type AgentEvent, inertText, shortLine } from "./agent-event.ts";
import { describeTool } from "./describe-tool.ts";
import { ScreenshotKeeper } from "./screenshot-keeper.ts";
import { Transcript } from "./transcript.ts";

/** Events of one task: each is a durable record. */
export const MAX_EVENTS = 1000;
/** Questions, changes of control and the like come on top, so that a flood cannot hide them. */
const MAX_SIGNS = 200;
/** Messages of one task; what writes more does not work on it. */
export const MAX_MESSAGES = 20_000;

/** Tools in use at the same time; an agent uses a few. */
const MAX_OPEN = 1000;

/** In place of what a person told the agent meanwhile. */
const ANSWERED = "A person told the agent something.";

type Role = AgentMessage["role"];
type Block<Kind extends AgentBlock["kind"]> = Extract<AgentBlock, { kind: Kind }>;

/** Turns the agent's messages into events, artifacts and the result's messages, within bounds. */
export class MessageReporter {
  readonly transcript = new Transcript();
  readonly #io: StepIo;
  readonly #description: string;
  readonly #screenshots: ScreenshotKeeper;
  readonly #seen = new Set<string>();
  /** Desktop tools the agent is using, by the id of their use. */
  readonly #open = new Map<string, string>();
  #events = 0;
  #signs = 0;
  #screenshotsFull = false;
  #performed = 0;
  #tried = 0;
  #question = "";
  #hasQuestion = false;
  #isTold = false;

  /** `description` is the task's own, which its requester wrote. */
  constructor(io: StepIo, description: string) {
    this.#io = io;
    this.#description = description;
    this.#screenshots = new ScreenshotKeeper(io);
  }

  /** Actions on the desktop that the agent was told were performed. */
  get performed(): number {
    return this.#performed;
  }

  /** It has asked something since `askForHelp`. */
  get hasQuestion(): boolean {
    return this.#hasQuestion;
  }

  /** Actions on the desktop that are over for the agent, failed or not. */
  get tried(): number {
    return this.#tried;
  }

  hasNew(messages: readonly AgentMessage[]): boolean {
    return messages.some(({ id }) => !this.#seen.has(id));
  }

  /** Messages in their order; those it has seen before are passed over. */
  async report(messages: readonly AgentMessage[]): Promise<void> {
    for (const { id, role, blocks } of messages) {
      if (this.#seen.has(id)) continue;
      if (this.#seen.size >= MAX_MESSAGES) throw tooMuch();
      this.#seen.add(id);
      if (role === "assistant" && this.#open.size > 0 && blocks.some(usesDesktop)) throw doubled();
      for (const block of blocks) await this.#report(role, block);
    }
  }

  async askForHelp(): Promise<void> {
    this.#hasQuestion = false;
    const asked = this.#question === "" ? this.transcript.lastWords() : this.#question;
    const { text: question, truncated } = inertText(asked);
    const message = `The agent asks for help: ${shortLine(asked)}`;
    await this.sign(message, { kind: "needs_help", question, truncated });
  }

  async reportControl(holder: "user" | "assistant"): Promise<void> {
    const who = holder === "user" ? "A person" : "The agent";
    await this.sign(`${who} has the desktop`, { kind: "control", holder });
  }

  /** An event that no flood of others may displace. */
  async sign(message: string, agent: AgentEvent): Promise<void> {
    if (++this.#signs > MAX_SIGNS) throw tooMuch();
    await this.#io.record({ event: { message, agent } });
  }

  async #report(role: Role, block: AgentBlock): Promise<void> {
    if (block.kind === "text") await this.#reportText(role, block);
    else if (block.kind === "tool_use") await this.#reportUse(role, block);
    else if (block.kind === "tool_result") await this.#reportResult(block);
    else await this.#reportImage(block);
  }

  async #reportText(role: Role, { text }: Block<"text">): Promise<void> {
    if (text.trim() === "") return;
    const isTask = role === "user" && !this.#isTold && saysTask(text, this.#description);
    this.#isTold ||= role === "user";
    // The requester reads this: what an approver tells the agent is not for it.
    const shown = role === "assistant" ? text : isTask ? text.trimEnd() : ANSWERED;
    this.transcript.add(role, shown);
    const lead = isTask ? "Task: " : "";
    await this.#event(shortLine(lead + shown), { kind: "text", role, ...inertText(shown) });
  }

  async #reportUse(role: Role, { id, tool, input }: Block<"tool_use">): Promise<void> {
    // What a person did while the desktop was theirs is reported as used by them.
    if (role !== "assistant") return;
    if (tool === "set_task_status") {
      this.#question = typeof input.description === "string" ? input.description : "";
      // How it ends is said there, not in a message.
      this.#hasQuestion = input.status === "needs_help";
      const ends = input.status !== "needs_help" && this.#question.trim() !== "";
      if (ends) this.transcript.add("assistant", this.#question);
    }
    if (isDesktopTool(tool) && this.#open.size < MAX_OPEN) this.#open.set(id, tool);
    const summary = describeTool(tool, input);
    const name = shortLine(tool, 60);
    await this.#event(`The agent says it ${summary}`, { kind: "tool_use", tool: name, summary });
  }

  async #reportResult({ toolUseId, isError }: Block<"tool_result">): Promise<void> {
    const tool = this.#open.get(toolUseId);
    if (tool === undefined) return;
    this.#open.delete(toolUseId);
    this.#tried++;
    if (!isError) {
      this.#performed++;
      return;
    }
    const name = shortLine(tool, 60);
    await this.#event(`The agent failed with ${name}`, { kind: "tool_error", tool: name });
  }

  async #reportImage({ data }: Block<"image">): Promise<void> {
    if (this.#screenshotsFull) return;
    const kept = await this.#screenshots.keep(data);
    if (kept === "full") {
      this.#screenshotsFull = true;
      const message = "The agent's further screenshots are not kept";
      await this.sign(message, { kind: "limit", of: "screenshots" });
    } else if (kept !== undefined) {
      const agent = { kind: "screenshot", artifact_id: kept.artifactId } as const;
      await this.#event("The agent looks at the screen", agent);
    }
  }

  async #event(message: string, agent: AgentEvent): Promise<void> {
    this.#events++;
    if (this.#events <= MAX_EVENTS) await this.#io.record({ event: { message, agent } });
    else if (this.#events === MAX_EVENTS + 1) {
      const text = "The agent does more than is recorded as events";
      await this.sign(text, { kind: "limit", of: "events" });
    }
  }
}

/** ByteBot begins a task with its description, a blank and a line for each of its files. */
function saysTask(text: string, description: string): boolean {
  if (!text.startsWith(description)) return false;
  return /^\s*(?:File [^\n]* written to desktop\.\s*)*$/.test(text.slice(description.length));
}

function isDesktopTool(tool: string): boolean {
  return tool.startsWith("computer_");
}

function usesDesktop(block: AgentBlock): boolean {
  return block.kind === "tool_use" && isDesktopTool(block.tool);
}

/**
 * ByteBot's agent waits for what it does before it does more. Where it does not, a second loop works on
 * the task: one was restarted while its tool ran.
 */
export function doubled(): GatewayError {
  return new GatewayError(
    "outcome_unknown",
    "ByteBot works on the task in two loops at once, may do things twice, and was stopped",
    {
      hint: "A task that is taken over, given back or cancelled in ByteBot itself makes it do that; do it through the gateway. Look at the desktop before planning it again.",
    },
  );
}

function tooMuch(): GatewayError {
  return new GatewayError("bytebot_error", "the agent writes more than can be followed", {
    hint: "It was stopped; give it a smaller task.",
  });
}
