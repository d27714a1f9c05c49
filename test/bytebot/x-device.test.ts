import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startDaemon } from "./daemon.ts";
import { post } from "./test-calls.ts";
import { startXDisplay } from "./x-display.ts";
import { openTerminal } from "./x-terminal.ts";
import { hasXTools } from "./x-tools.ts";

test.skipIf(!hasXTools())(
  "on a display text, chords and clicks arrive in real windows",
  async () => {
    await using display = await startXDisplay();
    using terminal = await openTerminal(display);
    await using daemon = await startDaemon({ display });

    await post(daemon, { action: "type_text", text: "Hello, World! ~{|}\n" });
    await terminal.waitFor((text) => text === "Hello, World! ~{|}\n");
    await post(daemon, { action: "paste_text", text: "héllo ∑ 日本語\n" });
    await terminal.waitFor((text) => text.endsWith("}\nhéllo ∑ 日本語\n"));
    await post(daemon, { action: "type_keys", keys: ["Shift_L", "a"] });
    await post(daemon, { action: "type_keys", keys: ["Control_L", "a"] });
    await terminal.waitFor((text) => text.endsWith("A\x01"));
    expect(daemon.held.size).toBe(0);

    await post(daemon, { action: "move_mouse", coordinates: { x: 321, y: 654 } });
    expect((await post(daemon, { action: "cursor_position" })).json).toEqual({ x: 321, y: 654 });
    const shot = await post(daemon, { action: "screenshot" });
    const png = Buffer.from(String(shot.json.image), "base64");
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1280, 960]);

    const large = "ß".repeat(60_000);
    await post(daemon, { action: "paste_text", text: large });
    await terminal.waitFor((text) => text.endsWith(large));
  },
);

test.skipIf(!hasXTools())(
  "a program is there after its answer, and gone with the daemon",
  async () => {
    await using display = await startXDisplay();
    const file = join(display.directory, "pid");
    const terminal = ["sh", "-c", `echo $$ > ${file}; exec xterm -T opened`];
    const daemon = await startDaemon({
      display: {
        display: display.display,
        authority: display.authority,
        applications: { terminal },
      },
    });
    await post(daemon, { action: "application", application: "terminal" });
    await display.xdotool("search", "--sync", "--onlyvisible", "--name", "opened");
    const pid = Number(readFileSync(file, "utf8"));
    expect(process.kill(pid, 0)).toBe(true);
    await daemon[Symbol.asyncDispose]();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  },
);
