import Type from "typebox";
import { defineCapability } from "./define-capability.ts";
import { closed, opened } from "./schema-parts.ts";
import { named } from "./wording.ts";

/** Terminals, and editors that have one built in. */
const TERMINAL =
  /term|console|konsole|tilix|kitty|alacritty|ghostty|wezterm|^foot$|^st$|guake|yakuake|^sh$|bash|zsh|fish|powershell|^(?:vs)?code|codium|cursor|emacs|vim|jupyter/i;

export const appOpen = defineCapability({
  action: "app.open",
  description: "Open an application",
  note: "Opens an application of the desktop by its name and gives a screenshot.",
  defaultPolicy: {
    enabled: true,
    risk_level: "medium",
    // None that holds a terminal or passwords.
    allowed_apps: ["firefox", "thunderbird", "directory", "desktop"],
  },
  openWorld: true,
  lists: ["allowed_apps"],
  risk: "medium",
  lock: "desktop",
  parameters: closed({
    application: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
      description:
        "Its name, e.g. firefox, thunderbird, vscode, terminal, directory (the file manager), desktop.",
    }),
  }),
  result: opened(),
  facts: ({ application }) => ({ application }),
  riskFactors: ({ application }) =>
    TERMINAL.test(application)
      ? [{ reason: `${application} has a terminal, which is as risky as shell.run`, by: "high" }]
      : [],
  summary: ({ application }) => `Open the application ${named(application)}`,
});
