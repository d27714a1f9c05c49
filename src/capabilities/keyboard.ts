import Type from "typebox";
import { keyboardText } from "./content.ts";
import { INPUT_POLICY } from "./default-policies.ts";
import { defineCapability } from "./define-capability.ts";
import { isModifier, leavesApplication, readKeys } from "./keys.ts";
import { closed, keyList, nothing, oneOf } from "./schema-parts.ts";
import { MASK, quoted } from "./wording.ts";

const MAX_SHOWN = 200;

const textParameters = (maxLength: number, how: string) =>
  closed({
    text: Type.String({
      minLength: 1,
      maxLength,
      description: `Text to ${how}, at most ${maxLength} characters; line feed is Enter.`,
    }),
    sensitive: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          "Masks the text everywhere but before the approver who decides, for passwords. Default false.",
      }),
    ),
  });

interface Text {
  text: string;
  sensitive?: boolean;
}

const forText = {
  risk: "medium",
  lock: "desktop",
  destructive: true,
  normalise: (parameters: Text): Text => ({ ...parameters, text: keyboardText(parameters.text) }),
  preview: ({ text }: Text) => ({ kind: "text", text }) as const,
  mask: (parameters: Text): Text =>
    parameters.sensitive ? { ...parameters, text: MASK } : parameters,
} as const;

/** What may be known of a text by everyone: nothing of a sensitive one, its length included. */
const shown = ({ text, sensitive }: Text): string => (sensitive ? MASK : quoted(text, MAX_SHOWN));

export const keyboardType = defineCapability({
  ...forText,
  action: "keyboard.type",
  description: "Type text, key by key",
  note: "Types text key by key into what has the focus.",
  defaultPolicy: INPUT_POLICY,
  parameters: textParameters(4096, "type"),
  result: nothing(),
  summary: (parameters) => `Type ${shown(parameters)}`,
});

export const keyboardPaste = defineCapability({
  ...forText,
  action: "keyboard.paste",
  description: "Paste text at once",
  note: "Puts text into what has the focus at once, through the clipboard.",
  defaultPolicy: INPUT_POLICY,
  parameters: textParameters(65_536, "paste"),
  result: nothing(),
  summary: (parameters) => `Paste ${shown(parameters)}`,
});

export const keyboardChord = defineCapability({
  action: "keyboard.chord",
  description: "Press keys together, as in Ctrl+C",
  note: "Presses keys together and releases them, such as ctrl and s.",
  defaultPolicy: INPUT_POLICY,
  risk: "medium",
  lock: "desktop",
  destructive: true,
  parameters: closed({
    keys: keyList('1 to 5 keys pressed together and released, e.g. ["ctrl", "shift", "t"].', 5),
  }),
  result: nothing(),
  normalise: ({ keys }) => ({ keys: readKeys("keys", keys) }),
  riskFactors: ({ keys }) =>
    leavesApplication(keys)
      ? [{ reason: `${keys.join(" + ")} leaves the application`, by: "high" }]
      : [],
  summary: ({ keys }) => `Press ${keys.join(" + ")}`,
});

export const keyboardPress = defineCapability({
  action: "keyboard.press",
  description: "Hold keys down, or release them",
  note: "Holds keys down, or releases them.",
  defaultPolicy: INPUT_POLICY,
  risk: "medium",
  lock: "desktop",
  destructive: true,
  parameters: closed({
    keys: keyList("1 to 5 keys.", 5),
    press: oneOf(["down", "up"], { description: "down holds the keys, up releases them." }),
  }),
  result: nothing(),
  normalise: ({ keys, press }) => ({ keys: readKeys("keys", keys), press }),
  riskFactors({ keys, press }) {
    // A modifier that stays down makes a chord of whatever is pressed later.
    const held = keys.filter((key) => isModifier(key) && !key.startsWith("Shift"));
    return press === "down" && held.length > 0
      ? [
          {
            reason: `${held.join(" + ")} held down can make later keys leave the application`,
            by: "high",
          },
        ]
      : [];
  },
  changesScreen: ({ press }) => press === "down",
  summary: ({ keys, press }) => `${press === "down" ? "Hold down" : "Release"} ${keys.join(" + ")}`,
});
