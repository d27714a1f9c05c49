import Type from "typebox";
import { defineCapability } from "./define-capability.ts";
import { closed, nothing } from "./schema-parts.ts";

export const wait = defineCapability({
  action: "wait",
  description: "Wait",
  note: "Lets time pass, for something on the screen to finish.",
  defaultPolicy: { enabled: true, risk_level: "low" },
  risk: "low",
  lock: "nothing",
  readOnly: true,
  idempotent: true,
  parameters: closed({
    duration_ms: Type.Integer({
      minimum: 1,
      maximum: 60_000,
      description: "How long, in milliseconds: at most 60000.",
    }),
  }),
  result: nothing(),
  summary: ({ duration_ms }) => `Wait ${duration_ms} ms`,
});
