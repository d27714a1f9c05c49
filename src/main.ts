import { once } from "node:events";
import { bind } from "./compose/bind.ts";
import { collectWhenIdle } from "./compose/collect-when-idle.ts";
import { createContext } from "./compose/context.ts";
import { createLogger } from "./compose/logger.ts";
import { loadConfig } from "./config/load-config.ts";
import { failPresentRequest } from "./lib/request-scope.ts";
import { toSourceStack } from "./lib/source-stack.ts";
import { VERSION } from "./lib/version.ts";

/** Starts the service, serves until SIGTERM or SIGINT, disposes. Resolves when all is closed. */
export async function main(): Promise<void> {
  const { config, secrets } = loadConfig(process.env, process.cwd());
  const { log, redact, flush } = createLogger(config, secrets);
  const crash = (err: unknown): void => {
    // What one request does wrong ends that request; all else leaves a state that nobody knows.
    if (failPresentRequest(err)) return;
    log.fatal({ err }, "unforeseen error; the gateway ends");
    flush();
    process.exit(1);
  };
  log.debug({ config }, "configuration");
  process.on("uncaughtException", crash).on("unhandledRejection", crash);
  {
    await using context = await createContext({ config, secrets, log, redact });
    const at = { host: config.host, port: config.port };
    const url = await bind(() => context.app.listen(at), at, ["HOST", "PORT"]);
    using _idle = collectWhenIdle(context.app.server);
    const link = context.firstLink();
    if (link !== undefined) process.stdout.write(describeFirstLink(link));
    log.info(
      { url, version: VERSION, driver: config.driver, workdir: config.workdir },
      "listening",
    );
    process.on("SIGHUP", () => context.reload());
    const signal = await Promise.race(
      ["SIGTERM", "SIGINT"].map((name) => once(process, name).then(() => name)),
    );
    log.info({ signal }, "shutting down");
  }
  log.info("closed");
  flush();
}

/** For whoever started it, on the terminal or in its journal: not a line of the log. */
function describeFirstLink({ url, expires_at }: { url: string; expires_at: string }): string {
  return [
    "",
    "  Nobody can sign in to the console yet. Open this once, to become its first operator:",
    "",
    `    ${url}`,
    "",
    `  It holds until ${expires_at}; later ones come from "people link" on the command line.`,
    "",
    "",
  ].join("\n");
}

/** The program itself; the command line imports `main` instead. */
if (/(?:^|[\\/])main\.[jt]s$/.test(process.argv[1] ?? "")) {
  await main().catch((error: unknown) => {
    // A refusal to start is for a person; whatever else it is needs its stack.
    const isForPerson =
      error instanceof Error && /^(Startup|Policy|Workdir|Store)Error$/.test(error.name);
    process.stderr.write(
      `${isForPerson ? error.message : toSourceStack(String((error as Error).stack))}\n`,
    );
    process.exitCode = 1;
  });
  process.exit();
}
