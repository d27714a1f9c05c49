import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { Watch } from "./watch.ts";
import type { XDisplay } from "./x-display.ts";

/** A terminal window that writes down what it receives. */
export interface Terminal extends Disposable {
  /** As xdotool names it. */
  readonly window: string;
  readonly title: string;
  /** Everything that has arrived, UTF-8; Return is a line feed. */
  received(): string;
  /** Resolves with what has arrived once the predicate holds. */
  waitFor(predicate: (received: string) => boolean): Promise<string>;
}

/** Translations of xterm's VT100 widget: ByteBot pastes with Control+V. */
const TRANSLATIONS = "Ctrl <Key>v: insert-selection(CLIPBOARD)";

export interface TerminalOptions {
  /** Instead of pasting with Control+V. */
  readonly translations?: string;
  /** Tells the program in it of clicks, as `ESC [ M` and three characters. */
  readonly reportsClicks?: boolean;
  /** Its X geometry: `80x24+0+0`. */
  readonly geometry?: string;
}

/** Opens an xterm with the focus, in which every character arrives at once. */
export async function openTerminal(
  display: XDisplay,
  options: TerminalOptions = {},
): Promise<Terminal> {
  const title = `terminal-${randomUUID()}`;
  const file = join(display.directory, title);
  const changes = new Watch();
  const watcher = watch(display.directory, () => changes.changed());
  const received = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
  try {
    display.run(
      ...["xterm", "-T", title, "-geometry", options.geometry ?? "80x24+0+0"],
      ...["-u8", "-fa", "Unifont", "-fs", "14"],
      // Text that holds a line feed is pasted as it is.
      ...["-xrm", "XTerm*VT100.disallowedPasteControls: NUL"],
      ...["-xrm", `XTerm*VT100.translations: #override ${options.translations ?? TRANSLATIONS}`],
      // Bytes reach the file as they come, not line by line.
      ...["-e", "sh", "-c", recording(options), file],
    );
    const found = await display.xdotool("search", "--sync", "--onlyvisible", "--name", title);
    const window = found.split("\n")[0] ?? "";
    await display.xdotool("windowactivate", "--sync", window);
    await changes.waitFor(() => existsSync(file));
    return {
      window,
      title,
      received,
      waitFor: (predicate) => changes.waitFor(() => predicate(received()) && received()),
      [Symbol.dispose]: () => watcher.close(),
    };
  } catch (error) {
    watcher.close();
    throw error;
  }
}

function recording({ reportsClicks = false }: TerminalOptions): string {
  const report = reportsClicks ? "printf '\\033[?1000h'; " : "";
  return `stty -icanon min 1; ${report}exec cat > "$0"`;
}
