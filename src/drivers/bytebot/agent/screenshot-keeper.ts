import { GatewayError } from "../../../contract/errors.ts";
import { sha256 } from "../../../lib/canonical.ts";
import type { StepIo } from "../../../tasks/driver.ts";

/** What a task's screenshots may take at most: an agent takes one after each action. */
export const MAX_SCREENSHOTS = 100;
const MAX_BYTES = 100 * 1024 * 1024;

const KINDS = [
  { mediaType: "image/png", ending: "png", start: Buffer.from("89504e470d0a1a0a", "hex") },
  { mediaType: "image/jpeg", ending: "jpg", start: Buffer.from("ffd8ff", "hex") },
];

/** Keeps an agent's screenshots as artifacts: each picture once, within bounds. */
export class ScreenshotKeeper {
  readonly #io: Pick<StepIo, "keepArtifact" | "maxFileSize">;
  readonly #seen = new Set<string>();
  #bytes = 0;

  constructor(io: Pick<StepIo, "keepArtifact" | "maxFileSize">) {
    this.#io = io;
  }

  /** `data` is base64 as the agent sent it. The artifact's id; undefined: it is not worth keeping. */
  async keep(data: string): Promise<{ artifactId: string } | "full" | undefined> {
    const size = Buffer.byteLength(data, "base64");
    if (size > this.#io.maxFileSize) return undefined;
    if (this.#seen.size >= MAX_SCREENSHOTS || this.#bytes + size > MAX_BYTES) return "full";
    const content = Buffer.from(data, "base64");
    const kind = KINDS.find(({ start }) => content.subarray(0, start.length).equals(start));
    if (kind === undefined) return undefined;
    const digest = sha256(content);
    if (this.#seen.has(digest)) return undefined;
    this.#seen.add(digest);
    this.#bytes += content.length;
    const name = `agent-${this.#seen.size}.${kind.ending}`;
    try {
      const { mediaType } = kind;
      return { artifactId: await this.#io.keepArtifact({ name, mediaType, content }) };
    } catch (error) {
      // The picture is left out; the agent's work goes on.
      if (error instanceof GatewayError && error.code === "file_too_large") return undefined;
      throw error;
    }
  }
}
