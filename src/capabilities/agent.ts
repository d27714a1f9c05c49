import { isUtf8 } from "node:buffer";
import Type from "typebox";
import { EnvelopeFile } from "../contract/policy.ts";
import { applyEnvelopeDefaults } from "../policy/envelope-defaults.ts";
import { checkContent, contentSize } from "./content.ts";
import { defineCapability, refuse } from "./define-capability.ts";
import { describeEnvelope, readEnvelope } from "./envelope.ts";
import { closed, oneOf } from "./schema-parts.ts";
import { count, quoted } from "./wording.ts";

const MAX_SHOWN = 200;
const MAX_SHOWN_FILE = 2000;

const File = closed({
  // The agent's backend puts the name into a path unescaped.
  name: Type.String({
    pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$",
    description: "A plain file name: letters, digits, dot, dash and underscore.",
  }),
  content: Type.String({ description: "Its bytes as base64." }),
  media_type: Type.Optional(
    Type.String({
      pattern: "^[a-z]+/[a-z0-9.+-]{1,100}$",
      default: "application/octet-stream",
      description: "Default application/octet-stream.",
    }),
  ),
});

export const agentTask = defineCapability({
  action: "agent.task",
  description: "Let ByteBot's own agent work on a task",
  note: "Hands a task in words to ByteBot's own agent on the desktop, which may take minutes.",
  defaultPolicy: { enabled: false, risk_level: "high" },
  openWorld: true,
  hasEffect: true,
  danger: "agent.task is enabled: what the agent then does is decided by its model",
  takesEnvelope: true,
  risk: "high",
  lock: "desktop",
  destructive: true,
  parameters: closed({
    description: Type.String({
      minLength: 1,
      maxLength: 20_000,
      description: "What the agent shall do, in words.",
    }),
    priority: Type.Optional(
      oneOf(["low", "medium", "high", "urgent"], {
        description: "Its place in the agent's queue. Default medium.",
        default: "medium",
      }),
    ),
    model: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: "Name of a model the agent offers. Default: its own choice.",
      }),
    ),
    envelope: Type.Optional(EnvelopeFile),
    files: Type.Optional(
      Type.Array(File, { maxItems: 20, description: "Files the agent is given, at most 20." }),
    ),
  }),
  result: closed({
    outcome: oneOf(["completed", "failed", "cancelled", "needs_help", "needs_review"], {
      description: "How the agent ended.",
    }),
    messages: Type.Array(closed({ role: Type.String(), text: Type.String() })),
  }),
  normalise(asked) {
    const { files, envelope } = asked;
    const parameters =
      envelope === undefined ? asked : { ...asked, envelope: readEnvelope(envelope) };
    if (files === undefined) return parameters;
    for (const [index, file] of files.entries()) {
      checkContent(`files/${index}/content`, file.content, "base64");
      if (files.findIndex(({ name }) => name === file.name) !== index) {
        throw refuse(`files/${index}/name`, "stands twice", "Name each file once.");
      }
    }
    return {
      ...parameters,
      files: files.map((file) => ({ media_type: "application/octet-stream", ...file })),
    };
  },
  applyPolicyDefaults: (parameters, rules) => ({
    ...parameters,
    envelope: applyEnvelopeDefaults(parameters.envelope, rules.envelope),
  }),
  facts: ({ files = [], envelope }) => ({
    contentSize: files.reduce((sum, file) => sum + contentSize(file.content, "base64"), 0),
    files: files.map(({ name, content }) => ({
      path: placeOf(name),
      contentSize: contentSize(content, "base64"),
    })),
    ...(envelope !== undefined && { envelope: applyEnvelopeDefaults(envelope, undefined) }),
  }),
  summary({ description, files = [] }) {
    const given = files.length === 0 ? "" : ` with ${count(files.length, "file")}`;
    return `Ask the agent${given}: ${quoted(description, MAX_SHOWN)}`;
  },
  preview: ({ description, envelope, files = [] }) => ({
    kind: "agent",
    description,
    envelope: [
      ...describeEnvelope(applyEnvelopeDefaults(envelope, undefined)),
      ...files.map(describeFile),
    ],
  }),
});

/** Where the agent puts a file of its task. */
function placeOf(name: string): string {
  return `/home/user/Desktop/${name}`;
}

function describeFile({ name, content }: { name: string; content: string }): string {
  const bytes = Buffer.from(content, "base64");
  const size = count(bytes.length, "byte");
  const given = `It is given ${placeOf(name)} with ${size}, in place of what is there`;
  // What is no text stands in the parameters as base64.
  return isUtf8(bytes) ? `${given}: ${quoted(bytes.toString(), MAX_SHOWN_FILE)}` : `${given}.`;
}
