import type { Block, DesktopAction, ToolResult } from "./agent-types.ts";
import { isFields } from "./request-body.ts";

/** A request for an action that the agent has sent. */
export interface SentAction {
  readonly url: string;
  readonly action: DesktopAction;
  /** undefined: the connection broke. */
  readonly status: number | undefined;
}

/** Actions whose answer is read; of all others not even the status is looked at. */
const ANSWERED: Readonly<Record<string, (answer: unknown) => Block[]>> = {
  screenshot: (answer) => [imageBlock(answer)],
  cursor_position: (answer) => [
    { type: "text", text: `Cursor position: ${JSON.stringify(answer)}` },
  ],
  read_file: (answer) => [{ type: "text", text: textOfFile(answer) }],
};

/** Sends the daemon's actions the way ByteBot's agent does. */
export class AgentComputer {
  /** Every request, in the order of their answers. */
  readonly sent: SentAction[] = [];
  readonly #settle: () => Promise<void>;
  readonly #noted: () => void;

  /** `settle` is what is waited for between an action and its screenshot; `noted` follows `sent`. */
  constructor(settle: () => Promise<void>, noted: () => void) {
    this.#settle = settle;
    this.#noted = noted;
  }

  /** Performs and takes a screenshot after it; only a broken connection is an error. */
  async use(id: string, action: DesktopAction, baseUrl: string): Promise<ToolResult> {
    const content: Block[] = [];
    try {
      const response = await this.send(action, baseUrl);
      const read = ANSWERED[action.action];
      if (read === undefined) content.push({ type: "text", text: "Tool executed successfully" });
      else if (response.status >= 400) throw new Error(`status ${response.status}`);
      else content.push(...read(JSON.parse(response.text)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : "";
      const text = `Error executing computer_${action.action} tool: ${reason}`;
      return {
        type: "tool_result",
        tool_use_id: id,
        content: [{ type: "text", text }],
        is_error: true,
      };
    }
    if (action.action !== "screenshot") content.push(...(await this.#screenshotAfter(baseUrl)));
    return { type: "tool_result", tool_use_id: id, content };
  }

  /** Rejects if the connection breaks. */
  async send(action: DesktopAction, baseUrl: string): Promise<{ status: number; text: string }> {
    const url = `${baseUrl}/computer-use`;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(action),
      });
      const text = await response.text();
      this.#note({ url, action, status: response.status });
      return { status: response.status, text };
    } catch (error) {
      this.#note({ url, action, status: undefined });
      throw error;
    }
  }

  #note(sent: SentAction): void {
    this.sent.push(sent);
    this.#noted();
  }

  async #screenshotAfter(baseUrl: string): Promise<Block[]> {
    await this.#settle();
    try {
      const { text } = await this.send({ action: "screenshot" }, baseUrl);
      return [imageBlock(JSON.parse(text))];
    } catch {
      return [];
    }
  }
}

function imageBlock(answer: unknown): Block {
  if (!isFields(answer) || typeof answer.image !== "string")
    throw new Error("Failed to take screenshot: No image data received");
  return {
    type: "image",
    source: { type: "base64", media_type: "image/png", data: answer.image },
  };
}

function textOfFile(answer: unknown): string {
  if (!isFields(answer) || answer.success !== true) throw new Error("Error reading file");
  return Buffer.from(String(answer.data), "base64").toString();
}
