import { startXDisplay } from "./x-display.ts";
import { openTerminal } from "./x-terminal.ts";

/** Forked by a test, which kills it. */
const display = await startXDisplay();
await openTerminal(display);
process.send?.({ display: display.display, directory: display.directory });
