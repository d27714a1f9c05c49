import { Display } from "../../src/drivers/embedded/display/display.ts";
import { DisplayDesktop } from "../../src/drivers/embedded/display/display-desktop.ts";
import { SANDBOX_ID } from "../../src/lib/sandbox-user.ts";
import { median } from "../load.ts";
import { type Bench, limitRow } from "../row.ts";

const ROUNDS = 30;
const WARM_UP = 3;
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(3).slice(0, 100);
const NEVER = new AbortController().signal;

/** What the embedded desktop takes; in brackets what ByteBot's daemon does, as it was observed. */
export const benchDesktop: Bench = async (report) => {
  const owner = process.geteuid?.() === 0 ? { uid: SANDBOX_ID, gid: SANDBOX_ID } : undefined;
  await using display = new Display({ owner, width: 1280, height: 960 });
  const desktop = new DisplayDesktop(display);
  const measure = async (what: string, action: () => Promise<unknown>): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
      const begun = performance.now();
      await action();
      if (round >= WARM_UP) times.push(performance.now() - begun);
    }
    report(`desktop: ${what} ${median(times).toFixed(1)} ms`);
    return median(times);
  };
  const at = { x: 640, y: 480 };
  const click = { button: "left", count: 1, at, holdKeys: [] } as const;
  const clicked = await measure("a click", () => desktop.click(click, NEVER));
  const typed = await measure("100 characters", () => desktop.type(TEXT, NEVER));
  const captured = await measure("a capture as PNG", () => desktop.capture(NEVER));
  return [
    limitRow("a click on the embedded desktop", clicked, 5, " ms", "ByteBot: 106"),
    limitRow("100 characters typed on it", typed, 100, " ms", "ByteBot: 20,400"),
    limitRow("a capture of 1280×960 as PNG", captured, 120, " ms", "ByteBot: 250"),
  ];
};
