import type { Parameters } from "../../contract/task.ts";
import { isTypeable } from "../../lib/daemon-input.ts";
import type { Inspection } from "../../tasks/driver.ts";
import { text } from "../step/parameter.ts";

const PASTED =
  "ByteBot pastes it with Ctrl+V: a terminal shows ^V in its place, and it stays on the desktop's clipboard.";
const LOGGED = "ByteBot's desktop writes it into its log in clear, sensitive or not.";

/** What an approver must know of a text for ByteBot's desktop, which cannot tell where it goes. */
export function inspectTyped(action: string, parameters: Parameters): Inspection | undefined {
  if (action !== "keyboard.type" && action !== "keyboard.paste") return undefined;
  const typed = text(parameters, "text");
  const notes = [
    ...(action === "keyboard.paste" || !isTypeable(typed) ? [PASTED] : []),
    ...(parameters.sensitive === true ? [LOGGED] : []),
  ];
  if (notes.length === 0) return undefined;
  return {
    bound: {},
    riskFactors: [],
    preview: { kind: "text", text: typed, note: notes.join(" ") },
  };
}
