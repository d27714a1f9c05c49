import type { Preview } from "../../contract/task.ts";
import { makeVisible } from "../../lib/inert.ts";
import type { CardBlock } from "./card-messages.ts";

/** A preview as text. The picture of a screenshot stands beside it. */
export function previewBlocks(preview: Preview | undefined): CardBlock[] {
  if (preview === undefined) return [];
  const render = KINDS[preview.kind] as (of: Preview) => readonly (readonly [string, string])[];
  const note = "note" in preview && preview.note !== undefined ? [["Note", preview.note]] : [];
  return [...render(preview), ...note].map(([label = "", text = ""]) => ({
    label,
    text: makeVisible(text, { multiline: true }),
  }));
}

type Render<Kind> = (
  preview: Extract<Preview, { kind: Kind }>,
) => readonly (readonly [label: string, text: string])[];

const KINDS: { readonly [Kind in Preview["kind"]]: Render<Kind> } = {
  diff: ({ path, diff, truncated }) => [
    ["Changes the file", path],
    ["Change", diff === "" ? "Nothing would change." : diff],
    ...(truncated ? ([["Mind", "The change was cut; the parameters are whole."]] as const) : []),
  ],
  url: ({ href, host, port, path }) => [
    ["Host", port === "" ? host : `${host}, port ${port}`],
    ["Path", path],
    ["Address", href],
  ],
  command: ({ argv }) => [
    ["Program and arguments", argv.map((word) => JSON.stringify(word)).join("\n")],
  ],
  text: ({ text }) => [["Text", text]],
  screenshot: ({ targets, width, height }) => [
    ["Screen", `${width} × ${height} pixels`],
    ...targets.map(({ x, y }) => ["Target", `${x}, ${y}`] as const),
  ],
  agent: ({ description, envelope }) => [
    ["Task for the agent", description],
    ["It may", envelope.join("\n")],
  ],
};
