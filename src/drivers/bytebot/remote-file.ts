import { GatewayError } from "../../contract/errors.ts";
import { sha256 } from "../../lib/canonical.ts";
import { ABSENT, type Examined, UNREADABLE } from "../files/file-state.ts";
import type { Examine } from "../files/inspect-change.ts";
import { requireSize } from "../files/require-size.ts";
import { fieldsOf } from "./answer-fields.ts";
import { malformedAnswer } from "./daemon-error.ts";
import { requireDaemonPath } from "./daemon-path.ts";
import type { DaemonQueue } from "./daemon-queue.ts";

/** ByteBot takes 50 MB of JSON, so that much in base64. */
const MAX_UPLOAD = 37 * 1024 * 1024;

/** What `cp`, which ByteBot runs, says where it does not read; the messages themselves stay here. */
const MESSAGES: readonly (readonly [pattern: RegExp, make: (path: string) => GatewayError])[] = [
  [
    /omitting directory|is a directory/i,
    (path) =>
      new GatewayError("not_a_file", `${path} is a directory`, { hint: "Name a file in it." }),
  ],
  [
    /not a directory/i,
    (path) =>
      new GatewayError("not_a_file", `${path} leads through something that is not a directory`, {
        hint: "Take a screenshot of the file manager to see what is there.",
      }),
  ],
  [/no such file|cannot stat/i, fileNotFound],
];

/** A file on ByteBot's desktop with its whole content. */
export interface RemoteFile extends Examined {
  readonly content: Buffer | undefined;
}

/** The whole file. Throws `file_not_found`, `not_a_file`, `file_too_large`, `path_not_allowed`. */
export async function fetchFile(
  queue: DaemonQueue,
  path: string,
  maxFileSize: number,
  signal: AbortSignal,
): Promise<Buffer> {
  requireDaemonPath(path);
  const answer = fieldsOf(await queue.call({ action: "read_file", path }, signal));
  if (answer.success === false) throw readError(path, answer.message);
  if (answer.success !== true || typeof answer.data !== "string")
    throw malformedAnswer("read_file");
  requireSize(Math.floor((answer.data.length / 4) * 3) - 2, maxFileSize, path);
  const content = Buffer.from(answer.data, "base64");
  // Node skips what is no base64, which would be another file than there is.
  if (content.toString("base64") !== answer.data) throw malformedAnswer("read_file");
  requireSize(content.length, maxFileSize, path);
  return content;
}

/** The file as it is. Rejects for what has nothing to do with the file alone. */
export async function examineFile(
  queue: DaemonQueue,
  path: string,
  maxFileSize: number,
  signal: AbortSignal,
): Promise<RemoteFile> {
  try {
    const content = await fetchFile(queue, path, maxFileSize, signal);
    return { ...stateOf(sha256(content), content), content };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code === "file_not_found")
      return { ...stateOf(ABSENT, undefined), content: undefined };
    if (error.code !== "not_a_file" && error.code !== "file_too_large") throw error;
    return { ...stateOf(UNREADABLE, undefined), content: undefined, problem: error };
  }
}

/** How plans look at files there. */
export function examiner(queue: DaemonQueue, maxFileSize: number, signal: AbortSignal): Examine {
  return async (path, see) => {
    const file = await examineFile(queue, path, maxFileSize, signal);
    if (file.content !== undefined) see(file.content);
    return file;
  };
}

/**
 * Puts content at a path and makes sure by reading it back: ByteBot reports success for writing to a
 * directory too. Answers as `fs.write` does.
 */
export async function storeFile(
  queue: DaemonQueue,
  path: string,
  content: Buffer,
  signal: AbortSignal,
): Promise<{ path: string; size: number; sha256: string }> {
  requireDaemonPath(path);
  requireSize(content.length, MAX_UPLOAD, path);
  const data = content.toString("base64");
  const answer = fieldsOf(await queue.call({ action: "write_file", path, data }, signal));
  if (answer.success !== true) {
    throw new GatewayError("bytebot_error", `ByteBot's desktop could not write ${path}`, {
      hint: "The folder may be missing or not writable there; ByteBot's own log says why.",
    });
  }
  await requireWritten(queue, path, content, signal);
  return { path, size: content.length, sha256: sha256(content).slice("sha256:".length) };
}

async function requireWritten(
  queue: DaemonQueue,
  path: string,
  content: Buffer,
  signal: AbortSignal,
): Promise<void> {
  let written: RemoteFile;
  try {
    written = await examineFile(queue, path, MAX_UPLOAD, signal);
  } catch (error) {
    throw new GatewayError(
      "outcome_unknown",
      `${path} was written, and could not be read back to make sure`,
      { hint: "Read the file before anything is done again." },
      error,
    );
  }
  if (written.problem !== undefined) throw written.problem;
  if (written.content?.equals(content)) return;
  throw new GatewayError(
    "bytebot_error",
    `ByteBot's desktop says it wrote ${path}, and reading it back gives something else`,
    { hint: "Another program may write there too, or the disk may be full." },
  );
}

function stateOf(state: string, content: Buffer | undefined): Examined {
  return { state, size: content?.length, isExecutable: false, problem: undefined };
}

function readError(path: string, message: unknown): GatewayError {
  const text = typeof message === "string" ? message : "";
  const known = MESSAGES.find(([pattern]) => pattern.test(text.replaceAll(path, "")));
  if (known !== undefined) return known[1](path);
  return new GatewayError("bytebot_error", `ByteBot's desktop could not read ${path}`, {
    hint: "ByteBot's own log says why.",
  });
}

function fileNotFound(path: string): GatewayError {
  return new GatewayError("file_not_found", `${path} does not exist`, {
    hint: "Check the path; ByteBot's desktop cannot list folders.",
  });
}
