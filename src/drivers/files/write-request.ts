import { GatewayError } from "../../contract/errors.ts";
import type { Parameters } from "../../contract/task.ts";
import { bytesOf, oneOf, text } from "../step/parameter.ts";

const WRITE_MODES = ["create", "overwrite", "append"] as const;
export type WriteMode = (typeof WRITE_MODES)[number];

export interface WriteRequest {
  readonly path: string;
  readonly mode: WriteMode;
  readonly content: Uint8Array;
}

export function writeRequestOf(parameters: Parameters): WriteRequest {
  const encoding = oneOf(parameters, "encoding", ["utf8", "base64"]);
  return {
    path: text(parameters, "path"),
    mode: oneOf(parameters, "mode", WRITE_MODES),
    content: bytesOf(text(parameters, "content"), encoding, "content"),
  };
}

/** What mode create says where there is a file. */
export function fileExists(path: string): GatewayError {
  return new GatewayError("file_exists", `${path} exists already, and mode create never replaces`, {
    hint: "Use mode overwrite or append, or another name.",
  });
}
