import { readFileSync } from "node:fs";
import { DEFAULT_POLICY } from "../../src/capabilities/default-policy.ts";
import { startDaemon } from "../bytebot/daemon.ts";
import { startXDisplay } from "../bytebot/x-display.ts";
import { openTerminal } from "../bytebot/x-terminal.ts";
import { run } from "../support/flow.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { fileMatching } from "./file-with.ts";

/** A desktop behind a gateway, with a terminal in front that writes down what it gets. */
export interface TestedDesktop extends AsyncDisposable {
  readonly gateway: Gateway;
  /** Everything the terminal has got, once the predicate holds. */
  received(predicate: (text: string) => boolean): Promise<string>;
}

const RECORD = "/tmp/received.txt";
const XTERM = ["-u8", "-fa", "Unifont", "-fs", "14", "-geometry", "80x24+0+0"];
/** Pastes with Control+V, as ByteBot's users expect. */
const PASTING = "XTerm*VT100.translations: #override Ctrl <Key>v: insert-selection(CLIPBOARD)";
/** Clicks are reported to the program in it, as `ESC [ M` and three characters. */
const RECORDING = `stty -icanon -echo min 1; printf '\\033[?1000h'; exec cat > "$0"`;

/** The ways a gateway gets a desktop: its own, and ByteBot's. */
export const DESKTOPS: Readonly<Record<string, () => Promise<TestedDesktop>>> = {
  async embedded() {
    await using opening = new AsyncDisposableStack();
    const gateway = opening.use(
      await startGateway({
        policy: policyWith("recorder"),
        config: {
          "desktop.json": {
            applications: {
              recorder: [
                ...["/usr/bin/xterm", ...XTERM, "-xrm", PASTING],
                ...["-e", "sh", "-c", RECORDING, RECORD],
              ],
            },
          },
        },
      }),
    );
    await run(gateway, "app.open", { application: "recorder" });
    const file = gateway.file(RECORD);
    await fileMatching(file, () => true);
    const owned = opening.move();
    return {
      gateway,
      received: (predicate) => fileMatching(file, predicate).then(() => readFileSync(file, "utf8")),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },

  async bytebot() {
    await using opening = new AsyncDisposableStack();
    const display = opening.use(await startXDisplay());
    const terminal = opening.use(await openTerminal(display, { reportsClicks: true }));
    const daemon = opening.use(await startDaemon({ display }));
    const gateway = opening.use(
      await startGateway({
        policy: policyWith("terminal"),
        env: { DRIVER: "bytebot", BYTEBOT_URL: daemon.url, BYTEBOT_API_KEY: "none" },
      }),
    );
    const owned = opening.move();
    return {
      gateway,
      received: (predicate) => terminal.waitFor(predicate),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

/** Every action runs on the requester's word: what is asked for is tested elsewhere. */
function policyWith(application: string): unknown {
  const capabilities = Object.entries(DEFAULT_POLICY.capabilities).map(([action, rules]) => [
    action,
    { ...rules, ...(action === "app.open" && { allowed_apps: [application] }) },
  ]);
  return { ...DEFAULT_POLICY, capabilities: Object.fromEntries(capabilities) };
}
