import Type, { type TProperties } from "typebox";

// Parameters become tools for models: flat objects without $ref or anyOf, every part explained.

export function closed<Properties extends TProperties>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false });
}

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(
  words: Words,
  options: { description: string; default?: Words[number] },
) {
  return Type.Enum([...words] as Words[number][], { type: "string", ...options });
}

export const path = () =>
  Type.String({
    minLength: 1,
    maxLength: 4096,
    description: "Absolute path; a relative one starts at /home/user/Desktop.",
  });

const axis = (name: string) =>
  Type.Integer({ minimum: 0, maximum: 32_767, description: `Pixels from the ${name}.` });

export const point = (description: string) =>
  Type.Object({ x: axis("left"), y: axis("top") }, { additionalProperties: false, description });

export const points = () =>
  Type.Array(point("A point on the way."), {
    minItems: 2,
    maxItems: 200,
    description: "Points the mouse passes, in order: 2 to 200.",
  });

export const button = () =>
  oneOf(["left", "right", "middle"], {
    description: "Mouse button. Default left.",
    default: "left",
  });

export const keyList = (description: string, maxItems: number) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 32 }), { minItems: 1, maxItems, description });

export const holdKeys = () =>
  keyList("Modifier keys held meanwhile: shift, ctrl, alt or super. Default none.", 4);

/** What an action gives back that only does something. */
export const nothing = () => closed({});

/** The result of what opens something on a screen. */
export const opened = <Properties extends TProperties = Record<never, never>>(
  properties: Properties = {} as Properties,
) =>
  closed({
    ...properties,
    screen_changed: Type.Boolean(),
    note: Type.Optional(Type.String({ description: "What it means that it has not changed." })),
  });
