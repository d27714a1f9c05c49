import { refuse } from "./define-capability.ts";

export type Encoding = "utf8" | "base64";

/** Throws `invalid_request` for text with half a character or base64 that is not canonical. */
export function checkContent(parameter: string, content: string, encoding: Encoding): void {
  if (encoding === "utf8") {
    if (content.isWellFormed()) return;
    throw refuse(parameter, "holds a lone surrogate", "Send whole characters, or base64.");
  }
  // Node skips what is no base64: only the text it would write itself means exactly these bytes.
  if (Buffer.from(content, "base64").toString("base64") === content) return;
  throw refuse(
    parameter,
    "is not canonical base64",
    "Use the alphabet of RFC 4648 section 4 with padding, without line breaks.",
  );
}

/** Bytes the content stands for; it has been checked. */
export function contentSize(content: string, encoding: Encoding): number {
  return encoding === "utf8" ? Buffer.byteLength(content) : Buffer.byteLength(content, "base64");
}

/** The first bytes, enough to know what kind of file it is. */
export function contentHead(content: string, encoding: Encoding): Buffer {
  return Buffer.from(content.slice(0, 64), encoding);
}

/** The content as text, or undefined where its bytes are not UTF-8. */
export function contentText(content: string, encoding: Encoding): string | undefined {
  if (encoding === "utf8") return content;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(content, "base64"),
    );
  } catch {
    return undefined;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/**
 * Text for the keyboard: line ends are line feeds; throws `invalid_request` for other control
 * characters, which in a terminal are commands and on a keyboard are no keys.
 */
export function keyboardText(text: string): string {
  const lines = text.replaceAll("\r\n", "\n");
  if (lines.isWellFormed() && !CONTROL.test(lines)) return lines;
  throw refuse(
    "text",
    "holds a control character or half a character",
    "Only line feed and tab are typed; use keyboard.chord for other keys.",
  );
}
