import { Check } from "typebox/value";
import { GatewayError } from "../../../contract/errors.ts";
import { type Envelope, EnvelopeFile } from "../../../contract/policy.ts";
import type { Parameters } from "../../../contract/task.ts";
import { bytesOf, oneOf, text } from "../../step/parameter.ts";
import type { NewAgentTask } from "./agent-api.ts";

/** `agent.task` as it was approved, ready to be sent but for the model. */
export interface AgentRequest {
  readonly task: Omit<NewAgentTask, "model">;
  /** undefined: the agent's first. */
  readonly model: string | undefined;
  readonly envelope: Envelope;
}

const PRIORITIES = {
  medium: "MEDIUM",
  low: "LOW",
  high: "HIGH",
  urgent: "URGENT",
} as const;

/** The agent's program puts a file's name into a root shell's command line unescaped. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const MEDIA_TYPE = /^[a-z]+\/[a-z0-9.+-]{1,100}$/;

/** Throws for what planning would not have let through, before anything is sent. */
export function readAgentRequest(parameters: Parameters, maxFileSize: number): AgentRequest {
  const priority = oneOf(parameters, "priority", ["medium", "low", "high", "urgent"]);
  const files = readFiles(parameters.files, maxFileSize);
  return {
    task: {
      description: text(parameters, "description"),
      priority: PRIORITIES[priority],
      ...(files.length > 0 && { files }),
    },
    model: parameters.model === undefined ? undefined : text(parameters, "model"),
    envelope: readEnvelope(parameters.envelope),
  };
}

function readFiles(value: unknown, maxFileSize: number): NonNullable<NewAgentTask["files"]> {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw refused("files must be a list");
  const files = value.map((file: Parameters) => readFile(file));
  if (new Set(files.map(({ name }) => name)).size !== files.length) {
    throw refused("two files have the same name");
  }
  if (files.reduce((sum, { size }) => sum + size, 0) > maxFileSize) {
    throw new GatewayError("file_too_large", `the files are more than ${maxFileSize} bytes`, {
      hint: "max_file_size_mb of agent.task in config/policy.json and MAX_FILE_SIZE_MB bound them.",
    });
  }
  return files;
}

function readFile(file: Parameters) {
  const name = text(file, "name");
  if (!FILE_NAME.test(name)) throw refused("a file's name is not a plain one");
  const type = file.media_type === undefined ? OCTETS : text(file, "media_type");
  if (!MEDIA_TYPE.test(type)) throw refused("a file's media_type is not one");
  const base64 = text(file, "content");
  return { name, base64, type, size: bytesOf(base64, "base64", "content").length };
}

const OCTETS = "application/octet-stream";

function readEnvelope(value: unknown): Envelope {
  if (Check(EnvelopeFile, value)) {
    const { actions, applications, paths, max_actions, max_duration_s, region } = value;
    if (actions && applications && paths && max_actions && max_duration_s) {
      const limits = { actions, applications, paths, max_actions, max_duration_s };
      return { ...limits, ...(region !== undefined && { region }) };
    }
  }
  throw refused("the plan has no whole envelope");
}

function refused(problem: string): GatewayError {
  return new GatewayError("invalid_request", problem, {
    hint: "GET /capabilities has the schema of agent.task's parameters; plan it again.",
  });
}
