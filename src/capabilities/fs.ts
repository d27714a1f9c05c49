import Type from "typebox";
import { sha256 } from "../lib/canonical.ts";
import { normalisePath, pathProblem } from "../lib/posix-path.ts";
import type { RiskFactor } from "../policy/decision.ts";
import { checkContent, contentHead, contentSize, contentText } from "./content.ts";
import { ALLOWED_FILES } from "./default-policies.ts";
import { defineCapability, refuse } from "./define-capability.ts";
import { runsCode } from "./runnable.ts";
import { closed, oneOf, path } from "./schema-parts.ts";
import { count, named } from "./wording.ts";

/** Where relative paths start: ByteBot's own choice, so that both drivers agree. */
const HOME = "/home/user/Desktop";
const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

const Written = closed({
  path: Type.String(),
  size: Type.Integer({ description: "bytes" }),
  sha256: Type.String({ description: "64 hex digits" }),
});

const encoding = (what: string) =>
  oneOf(["utf8", "base64"], { description: `${what} Default utf8.`, default: "utf8" });

export const fsRead = defineCapability({
  action: "fs.read",
  description: "Read file contents",
  note: "Gives the text of a file, or its bytes with encoding base64. An image comes as an image. Text over 64 KB becomes an artifact and content is null: read it in parts with offset and length.",
  defaultPolicy: { ...ALLOWED_FILES, risk_level: "low" },
  lists: ["allowed_paths", "allowed_extensions"],
  grantCovers: "file",
  risk: "low",
  lock: "path",
  readOnly: true,
  idempotent: true,
  parameters: closed({
    path: path(),
    encoding: Type.Optional(encoding("How content is given back: as text, or as base64 bytes.")),
    offset: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_OFFSET,
        description: "First byte to read. Default 0.",
      }),
    ),
    length: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_OFFSET,
        description: "Bytes to read. Default: to the end.",
      }),
    ),
  }),
  result: closed({
    content: Type.Unsafe<string | null>({
      type: ["string", "null"],
      description: "null where it became an artifact: images, and text over 64 KB",
    }),
    encoding: Type.String(),
    size: Type.Integer({ description: "bytes of the whole file" }),
    media_type: Type.String(),
  }),
  normalise: (parameters) => ({ ...parameters, path: settle(parameters.path) }),
  facts: (parameters) => ({ path: parameters.path }),
  summary({ path: file, offset = 0, length }) {
    if (offset === 0 && length === undefined) return `Read contents of ${named(file)}`;
    const amount = length === undefined ? "everything" : count(length, "byte");
    return `Read ${amount} of ${named(file)} from byte ${offset}`;
  },
});

export const fsList = defineCapability({
  action: "fs.list",
  description: "List a folder",
  note: "Gives name, type, size and time of everything in one folder, not of its subfolders.",
  defaultPolicy: { ...ALLOWED_FILES, risk_level: "low" },
  lists: ["allowed_paths"],
  grantCovers: "folder",
  risk: "low",
  lock: "path",
  readOnly: true,
  idempotent: true,
  parameters: closed({ path: path() }),
  result: closed({
    entries: Type.Array(
      closed({
        name: Type.String(),
        type: oneOf(["file", "directory", "link", "other"], { description: "What it is." }),
        size: Type.Integer({ description: "bytes" }),
        modified: Type.String({ format: "date-time", description: "ISO 8601, UTC" }),
      }),
    ),
    truncated: Type.Optional(Type.Boolean({ description: "more than are listed here" })),
  }),
  normalise: (parameters) => ({ path: settle(parameters.path) }),
  facts: (parameters) => ({ path: parameters.path }),
  summary: (parameters) => `List ${named(parameters.path)}`,
});

export const fsWrite = defineCapability({
  action: "fs.write",
  description: "Write file contents",
  note: "Writes a whole file. The person who approves sees a diff. To change a few words of a file that is there, fs_edit is better.",
  defaultPolicy: { ...ALLOWED_FILES, risk_level: "medium" },
  hasEffect: true,
  lists: ["allowed_paths", "allowed_extensions"],
  grantCovers: "file",
  risk: "medium",
  lock: "path",
  destructive: true,
  parameters: closed({
    path: path(),
    content: Type.String({ description: "The text, or bytes as base64. May be empty." }),
    encoding: Type.Optional(encoding("What content is: text, or base64 bytes.")),
    mode: Type.Optional(
      oneOf(["create", "overwrite", "append"], {
        description:
          "create fails if the file exists; overwrite replaces it; append adds to its end; all make " +
          "it where it is missing, parent folders too. Default create.",
        default: "create",
      }),
    ),
  }),
  result: Written,
  normalise(parameters) {
    checkContent("content", parameters.content, parameters.encoding ?? "utf8");
    return { ...parameters, path: settle(parameters.path) };
  },
  facts: ({ path: file, content, encoding: kind = "utf8" }) => ({
    path: file,
    contentSize: contentSize(content, kind),
  }),
  riskFactors: ({ path: file, content, encoding: kind = "utf8" }) =>
    raiseIfRunnable(file, contentHead(content, kind)),
  summary({ path: file, content, encoding: kind = "utf8", mode }) {
    const size = count(contentSize(content, kind), "byte");
    if (mode === "append") return `Append ${size} to ${named(file)}`;
    if (mode === "overwrite") return `Write ${size} to ${named(file)}, replacing what is there`;
    return `Write ${size} to the new file ${named(file)}`;
  },
  preview({ content, encoding: kind = "utf8" }) {
    const text = contentText(content, kind);
    if (text !== undefined) return { kind: "text", text };
    const bytes = Buffer.from(content, "base64");
    return {
      kind: "text",
      text: `${count(bytes.length, "byte")} that are no text, ${sha256(bytes)}`,
    };
  },
});

export const fsEdit = defineCapability({
  action: "fs.edit",
  description: "Replace one passage of a text file",
  note: "Replaces one piece of text in a file. old_text must stand in it exactly once: read the file first and copy enough of what is around it.",
  defaultPolicy: { ...ALLOWED_FILES, risk_level: "medium" },
  hasEffect: true,
  lists: ["allowed_paths", "allowed_extensions"],
  grantCovers: "file",
  risk: "medium",
  lock: "path",
  destructive: true,
  parameters: closed({
    path: path(),
    old_text: Type.String({
      minLength: 1,
      description: "The passage to replace, exactly; it must occur once.",
    }),
    new_text: Type.String({ description: "What stands there afterwards. May be empty." }),
  }),
  result: Written,
  normalise(parameters) {
    checkContent("old_text", parameters.old_text, "utf8");
    checkContent("new_text", parameters.new_text, "utf8");
    if (parameters.old_text === parameters.new_text) {
      throw refuse("new_text", "equals old_text", "Nothing would change; send the new text.");
    }
    return { ...parameters, path: settle(parameters.path) };
  },
  facts: (parameters) => ({
    path: parameters.path,
    contentSize: contentSize(parameters.new_text, "utf8"),
  }),
  riskFactors: (parameters) =>
    raiseIfRunnable(parameters.path, contentHead(parameters.new_text, "utf8")),
  summary: ({ path: file, old_text, new_text }) =>
    `Replace ${count(Array.from(old_text).length, "character")} of ${named(file)} by ` +
    `${Array.from(new_text).length}`,
  preview: ({ path: file, old_text, new_text }) => ({
    kind: "diff",
    path: file,
    diff: `@@ passage @@\n${prefixed("-", old_text)}${prefixed("+", new_text)}`,
    truncated: false,
    note: "The passage as asked for; the file itself was not looked at.",
  }),
});

function settle(file: string): string {
  const problem = pathProblem(file);
  if (problem === undefined) return normalisePath(file, HOME);
  throw refuse("path", problem, "Send an absolute path such as /home/user/notes.txt.");
}

function raiseIfRunnable(file: string, head: Uint8Array): RiskFactor[] {
  const reason = runsCode(file, head);
  return reason === undefined ? [] : [{ reason, by: "high" }];
}

/** Each line with its sign, so that no line can pass for one of the other kind. */
function prefixed(sign: string, text: string): string {
  if (text === "") return "";
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => `${sign}${line}\n`)
    .join("");
}
