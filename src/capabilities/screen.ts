import Type from "typebox";
import { defineCapability } from "./define-capability.ts";
import { closed } from "./schema-parts.ts";

const pixels = (description: string) => Type.Integer({ description: `${description}, in pixels` });

export const screenCapture = defineCapability({
  action: "screen.capture",
  description: "Take a screenshot",
  note: "Gives the screen as an image. Coordinates of mouse tools are pixels of this image, from its top left.",
  defaultPolicy: { enabled: true, risk_level: "low" },
  risk: "low",
  lock: "desktop",
  readOnly: true,
  idempotent: true,
  parameters: closed({}),
  result: closed({
    width: pixels("Width"),
    height: pixels("Height"),
    focused_window: Type.Optional(
      Type.String({
        description:
          "Title of the window that what is typed goes to, where the desktop can tell; the program in it made it",
      }),
    ),
    windows: Type.Optional(
      Type.Array(
        closed({
          title: Type.String(),
          x: Type.Integer(),
          y: Type.Integer(),
          width: Type.Integer(),
          height: Type.Integer(),
        }),
        { description: "Windows on the screen, in its pixels, the topmost first, up to 20" },
      ),
    ),
  }),
  summary: () => "Take a screenshot",
});

export const screenCursor = defineCapability({
  action: "screen.cursor",
  description: "Tell where the mouse pointer is",
  note: "Gives the position of the mouse pointer in pixels.",
  defaultPolicy: { enabled: true, risk_level: "low" },
  risk: "low",
  lock: "desktop",
  readOnly: true,
  idempotent: true,
  parameters: closed({}),
  result: closed({ x: pixels("From the left"), y: pixels("From the top") }),
  summary: () => "Tell where the mouse pointer is",
});
