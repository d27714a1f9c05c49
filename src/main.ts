import { once } from "node:events";
import { readKeys } from "./config/clients.ts";
import { StartupError } from "./config/config.ts";
import { loadConfig } from "./config/load-config.ts";
import { createContext } from "./context.ts";
import { createLogger } from "./logger.ts";
import { VERSION } from "./version.ts";

/** Starts the service, serves until SIGTERM or SIGINT, disposes. Resolves when all is closed. */
export async function main(): Promise<void> {
  const { config, secrets } = loadConfig(process.env, process.cwd());
  const signingSecrets = readKeys(config, secrets)
    .filter(({ principal }) => principal.scheme === "hmac")
    .map(({ secret }) => Buffer.from(secret).toString());
  const { log, flush } = createLogger(config, secrets, signingSecrets);
  const crash = (err: unknown): void => {
    log.fatal({ err }, "unforeseen error; the gateway ends");
    flush();
    process.exit(1);
  };
  log.debug({ config }, "configuration");
  process.on("uncaughtException", crash).on("unhandledRejection", crash);
  {
    await using context = await createContext({ config, secrets, log });
    const url = await listen(
      () => context.app.listen({ host: config.host, port: config.port }),
      config,
    );
    log.info(
      { url, version: VERSION, driver: config.driver, workdir: config.workdir },
      "listening",
    );
    process.on("SIGHUP", () => void context.reload());
    const signal = await Promise.race(
      ["SIGTERM", "SIGINT"].map((name) => once(process, name).then(() => name)),
    );
    log.info({ signal }, "shutting down");
  }
  log.info("closed");
  flush();
}

async function listen(
  start: () => Promise<string>,
  { host, port }: { host: string; port: number },
): Promise<string> {
  try {
    return await start();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const [variable, problem] = PROBLEMS[code] ?? [];
    if (variable === undefined || problem === undefined) throw error;
    throw new StartupError(variable, problem({ host, port }), "Set another one.", error);
  }
}

const PROBLEMS: Readonly<
  Record<string, [string, (at: { host: string; port: number }) => string] | undefined>
> = {
  EADDRINUSE: ["PORT", ({ host, port }) => `${port} on ${host} is in use`],
  EACCES: ["PORT", ({ port }) => `${port} may not be bound by this user`],
  EADDRNOTAVAIL: ["HOST", ({ host }) => `${host} is not an address of this machine`],
  ENOTFOUND: ["HOST", ({ host }) => `${host} cannot be resolved`],
};

/** The program itself; the command line imports `main` instead. */
if (/(?:^|[\\/])main\.[jt]s$/.test(process.argv[1] ?? "")) {
  await main().catch((error: unknown) => {
    // A refusal to start is for a person; whatever else it is needs its stack.
    const isForPerson =
      error instanceof Error && /^(Startup|Policy|Workdir|Store)Error$/.test(error.name);
    process.stderr.write(`${isForPerson ? error.message : (error as Error).stack}\n`);
    process.exitCode = 1;
  });
  process.exit();
}
