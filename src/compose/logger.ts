import { destination, type Level, type Logger, pino, stdSerializers, stdTimeFunctions } from "pino";
import type { Config, Secrets } from "../config/config.ts";
import { readableLine } from "../lib/readable-line.ts";
import { toSourceStack } from "../lib/source-stack.ts";

/** ms after which buffered lines are written at the latest. */
const FLUSH_MS = 100;

export interface ServiceLogger {
  readonly log: Logger;
  /** Masks these too from now on. */
  redact(secrets: readonly string[]): void;
  /** Writes out what is buffered: before the process ends. */
  flush(): void;
}

/**
 * Structured lines on standard output. Whatever a line holds, the service's own secrets are masked
 * in it just before it is written.
 */
export function createLogger(config: Config, secrets: Secrets): ServiceLogger {
  const known = new Set([
    secrets.sharedSecret,
    secrets.approverSecret,
    secrets.apiToken,
    secrets.auditKey,
    secrets.guardKey,
    secrets.openWebUiJwtSecret,
    ...secrets.bytebotApiKeys.values(),
  ]);
  let mask = maskSecrets(known);
  const format = config.logFormat === "text" ? readableLine : (line: string) => line;
  const out = destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: FLUSH_MS });
  const log = pino(
    {
      level: config.logLevel satisfies Level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      hooks: { streamWrite: (line) => format(mask(line)) },
    },
    out,
  );
  return {
    log,
    redact(more) {
      for (const secret of more) known.add(secret);
      mask = maskSecrets(known);
    },
    flush: () => out.flushSync(),
  };
}

/** As pino has it, with the places of its stack in the sources. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const described = stdSerializers.err(error);
  return { ...described, stack: toSourceStack(described.stack) };
}

/** Replaces every known secret, as it stands in JSON, wherever it turns up. */
function maskSecrets(secrets: ReadonlySet<string | undefined>): (line: string) => string {
  const spellings = [...secrets]
    .filter((secret) => secret !== undefined && secret.length > 0)
    .map((secret) => RegExp.escape(JSON.stringify(secret).slice(1, -1)))
    .toSorted((a, b) => b.length - a.length);
  if (spellings.length === 0) return (line) => line;
  const any = new RegExp(spellings.join("|"), "g");
  return (line) => line.replace(any, "[masked]");
}
