import Type, { type Static } from "typebox";

const closed = { additionalProperties: false } as const;

/** `config/desktop.json`: the embedded desktop's screen, and what may be opened on it. */
export const DesktopFile = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    screen: Type.Optional(
      Type.Object(
        {
          width: Type.Integer({ minimum: 320, maximum: 7680, description: "pixels" }),
          height: Type.Integer({ minimum: 240, maximum: 4320, description: "pixels" }),
        },
        closed,
      ),
    ),
    applications: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }),
        Type.Array(Type.String({ minLength: 1, maxLength: 4096, pattern: "^[^\\u0000]+$" }), {
          minItems: 1,
          maxItems: 100,
        }),
        {
          description:
            'Programs by the name a plan calls them, as argument lists: {"editor": ["/usr/bin/mousepad"]}. They are added to those that are found.',
        },
      ),
    ),
  },
  closed,
);
export type DesktopFile = Static<typeof DesktopFile>;

export const USUAL_SCREEN = { width: 1280, height: 960 } as const;
