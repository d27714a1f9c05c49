import type { InspectContext, StepIo } from "../../../../src/tasks/driver.ts";

// What the tests of drivers share; nothing else imports it.

export interface Kept {
  readonly name: string;
  readonly mediaType: string;
  readonly content: Buffer;
}

type TestIo = StepIo & {
  readonly kept: Kept[];
  readonly messages: string[];
  readonly records: unknown[];
};

/** How a plan looks at the desktop where nothing else is said. */
export const LOOK: InspectContext = {
  maxFileSize: 1000,
  isScreenSettled: true,
  targetCheck: { enabled: true, tolerance: 0.03, radius_px: 32 },
  signal: new AbortController().signal,
  turn: async () => ({ [Symbol.dispose]: () => {} }),
};

/** A step's io that keeps artifacts and progress messages for the test to look at. */
export function ioOf(options: { signal?: AbortSignal; maxFileSize?: number } = {}): TestIo {
  const records: unknown[] = [];
  const kept: Kept[] = [];
  const messages: string[] = [];
  return {
    kept,
    messages,
    records,
    taskId: "task_0000000000000000000000",
    requester: "default",
    targetCheck: LOOK.targetCheck,
    record: async (entry) => {
      records.push(entry);
    },
    findDenial: () => undefined,
    onInstruction: () => {},
    signal: options.signal ?? new AbortController().signal,
    maxFileSize: options.maxFileSize ?? 10 * 1024 * 1024,
    progress: (_fraction, message) => {
      messages.push(message);
    },
    keepArtifact: async ({ name, mediaType, content }) => {
      const chunks: Uint8Array[] = [];
      if (content instanceof Uint8Array) chunks.push(content);
      else for await (const chunk of content) chunks.push(chunk);
      kept.push({ name, mediaType, content: Buffer.concat(chunks) });
      return `artifact_${kept.length}`;
    },
  };
}

/** Matches a GatewayError of this code. */
export function failure(code: string, detail?: RegExp): Record<string, unknown> {
  return detail === undefined ? { code } : { code, message: expectMatching(detail) };
}

function expectMatching(pattern: RegExp): unknown {
  return { asymmetricMatch: (text: unknown) => typeof text === "string" && pattern.test(text) };
}
