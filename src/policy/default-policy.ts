import type { PolicyFile } from "../contract/policy.ts";

// What a person who has just installed the gateway expects to work, and nothing that could do harm
// out of their sight. The folders and domains are those of the documentation's examples, so that
// these run as they stand: /tmp and /home/user are ByteBot's own layout (inside WORKDIR with the
// embedded driver), and example.com is reserved for examples by IANA (RFC 2606).
const files = { enabled: true, allowed_paths: ["/tmp", "/home/user"] };
const input = { enabled: true, risk_level: "medium" } as const;

/**
 * The policy where there is no file: every action but shell.run and agent.task. Applications that
 * hold a terminal or passwords are not listed, and the lists of what is off are empty, so that
 * turning it on is one decision and what to allow another.
 */
export const DEFAULT_POLICY: PolicyFile = {
  capabilities: {
    "fs.read": { ...files, risk_level: "low" },
    "fs.list": { ...files, risk_level: "low" },
    "fs.write": { ...files, risk_level: "medium" },
    "fs.edit": { ...files, risk_level: "medium" },
    "browser.open": {
      enabled: true,
      risk_level: "medium",
      allowed_domains: ["localhost", "*.example.com"],
    },
    "app.open": {
      enabled: true,
      risk_level: "medium",
      allowed_apps: ["firefox", "thunderbird", "directory", "desktop"],
    },
    "screen.capture": { enabled: true, risk_level: "low" },
    "screen.cursor": { enabled: true, risk_level: "low" },
    "mouse.move": input,
    "mouse.click": input,
    "mouse.press": input,
    "mouse.drag": input,
    "mouse.trace": input,
    "mouse.scroll": input,
    "keyboard.type": input,
    "keyboard.paste": input,
    "keyboard.chord": input,
    "keyboard.press": input,
    wait: { enabled: true, risk_level: "low" },
    "shell.run": { enabled: false, risk_level: "high", allowed_commands: [] },
    "agent.task": { enabled: false, risk_level: "high" },
  },
};
