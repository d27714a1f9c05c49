import { styleText } from "node:util";
import type { ExitCode } from "./exit-codes.ts";

/** An output stream, as much of it as commands use. */
export interface Sink {
  write(content: string | Uint8Array, written?: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What a command knows of the process it runs in. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Set by the command that ran. */
  exit: ExitCode;
}

type Style = Exclude<Parameters<typeof styleText>[0], readonly unknown[]>;
/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style | Style[], text: string) => string;

/** Colours for a terminal; none for a pipe, with NO_COLOR (no-color.org) or on a dumb terminal. */
export function paintFor(sink: Pick<Sink, "isTTY">, env: Shell["env"]): Paint {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  const able = forced || (sink.isTTY === true && env.TERM !== "dumb");
  return able && !env.NO_COLOR ? coloured : plain;
}

/** Columns of a terminal, 80 where it is none; text over 120 columns is hard to read. */
export function widthOf(sink: Pick<Sink, "columns">): number {
  return Math.min(120, Math.max(20, sink.columns ?? 80));
}

export const plain: Paint = (_style, text) => text;

const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false });
