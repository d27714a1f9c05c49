import { GatewayError } from "../contract/errors.ts";
import type { DaemonAnswer, DaemonRequest } from "../tasks/agent-guard.ts";

/**
 * Reads a file back that was just written: the daemon also says `success` where the path is a folder,
 * and then has written nothing. Resolves at once for any other request; rejects with `bytebot_error`
 * where other bytes stand there, `outcome_unknown` where that cannot be told.
 */
export async function verifyWrite(
  { action, path, data }: DaemonRequest,
  forward: (request: DaemonRequest) => Promise<DaemonAnswer>,
): Promise<void> {
  if (action !== "write_file") return;
  let answer: DaemonAnswer;
  try {
    answer = await forward({ action: "read_file", path });
  } catch (error) {
    const hint = "Look at the file before it is written again.";
    const detail = "A file was written that could not be read back.";
    throw new GatewayError("outcome_unknown", detail, { hint }, error);
  }
  const { body } = answer;
  if (typeof body === "object" && body !== null && "data" in body && body.data === data) return;
  throw new GatewayError("bytebot_error", "What was to be written does not stand there.", {
    hint: "The path may be a folder.",
  });
}

/** Whether the daemon, which answers 201 all the same, says that it has not done it. */
export function isDenial(body: unknown): boolean {
  return typeof body === "object" && body !== null && "success" in body && body.success === false;
}
