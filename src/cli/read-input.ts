import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import type { PlanRequest } from "../contract/requests.ts";
import { JsonError, parseJson } from "../lib/json.ts";
import { CliError } from "./cli-error.ts";
import type { ReadFile } from "./parameters.ts";
import type { Shell } from "./shell.ts";

/** Reads the files a command line names; `-` is standard input. */
export function fileReader(shell: Shell): ReadFile {
  return async (path) => {
    if (path === "-") return buffer(shell.stdin);
    try {
      return await readFile(resolve(shell.cwd, path));
    } catch (cause) {
      const reason = cause instanceof Error && "code" in cause ? ` (${cause.code})` : "";
      throw new CliError("usage", `${path} cannot be read${reason}.`, undefined, cause);
    }
  };
}

/** A plan's request from a JSON file; what it must look like the gateway says. */
export async function readPlanFile(shell: Shell, path: string): Promise<PlanRequest> {
  const bytes = await fileReader(shell)(path);
  try {
    const value = parseJson(bytes);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as PlanRequest;
    }
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new CliError("usage", `${path} is not strict JSON: ${error.message}.`, undefined, error);
  }
  throw new CliError(
    "usage",
    `${path} holds no plan.`,
    'It looks like {"title": "…", "steps": [{"action": "fs.read", "parameters": {"path": "/tmp/a.txt"}}]}.',
  );
}
