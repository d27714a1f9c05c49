import type { TargetCheck } from "../contract/policy.ts";
import type { StepIo } from "../tasks/driver.ts";

/** What an artifact that nobody keeps was. */
export interface Made {
  readonly mediaType: string;
  readonly content: Uint8Array;
}

/** What a step may use that a person performs at a desktop, outside of every task. */
export function createPersonIo(options: {
  readonly keyId: string;
  readonly signal: AbortSignal;
  readonly targetCheck: TargetCheck;
  readonly onMade?: (made: Made) => void;
}): StepIo {
  const { keyId, signal, targetCheck, onMade } = options;
  return {
    taskId: "",
    requester: keyId,
    signal,
    maxFileSize: 0,
    targetCheck,
    findDenial: () => undefined,
    progress: () => {},
    record: async () => {
      throw new Error("a person's step records nothing of its own");
    },
    onInstruction: () => {},
    keepArtifact: async ({ mediaType, content }) => {
      onMade?.({ mediaType, content: await bytesOf(content) });
      return "";
    },
  };
}

async function bytesOf(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return content;
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
