import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { quoteForShell } from "./quote-for-shell.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Start {
  /** Where it is started: the folder of `.env`. */
  readonly folder: string;
  readonly environment: Environment;
  /** What the first start made, for people. */
  readonly made: readonly string[];
  /** How the command line is called in that folder. */
  readonly program: string;
}

/** What is printed before the server starts: where to look, and what to try. Holds no secret. */
export function welcome({ folder, environment, made, program }: Start): string {
  const settings = { ...readEnvFile(join(folder, ".env")), ...set(environment) };
  const url = settings.PUBLIC_URL?.replace(/\/+$/, "") ?? localUrl(settings);
  const isByteBot = drivesByteBot(folder, settings);
  const workdir = settings.WORKDIR ?? "/tmp/bytebot-workdir";
  // The command line reads .env too, but not what only this environment says.
  const address = environment.HOST || environment.PORT ? `GATEWAY_URL=${localUrl(settings)} ` : "";
  const lines = [
    "",
    `  ByteBot Gateway   ${url}`,
    // Passkeys need a name; an address is none.
    `  to decide         ${url.replace("//127.0.0.1", "//localhost")}/console`,
    `  to read           ${url}/docs`,
    ...(isByteBot
      ? []
      : [
          `  its files         ${workdir} (what a request calls /tmp/a.txt is ${workdir}/tmp/a.txt)`,
        ]),
    ...(made.length === 0 ? [] : [`  new secrets       ${made.join(", ")} (yours alone to read)`]),
    "",
    "  Try, in another terminal:",
    "",
    `    cd ${quoteForShell(folder)}`,
    ...(isByteBot
      ? [`    ${address}${program} run screen.capture`]
      : [
          `    echo hello > ${quoteForShell(`${workdir}/tmp/test.txt`)}`,
          `    ${address}${program} run fs.read path=/tmp/test.txt`,
        ]),
    "",
    "",
  ];
  return lines.join("\n");
}

/** Whose desktop it is: ByteBot's has its files elsewhere. The server checks the settings themselves. */
function drivesByteBot(folder: string, settings: Environment): boolean {
  if (settings.DRIVER !== undefined) return settings.DRIVER.toLowerCase() === "bytebot";
  if (settings.BYTEBOT_URL !== undefined) return true;
  try {
    const file = join(folder, settings.CONFIG_DIR ?? "config", "bytebot.json");
    return /"(?:url|desktops)"\s*:/.test(readFileSync(file, "utf8"));
  } catch {
    return false;
  }
}

function set(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
}

/** A file that cannot be read is the server's to complain of: it says which, and why. */
function readEnvFile(file: string): Environment {
  try {
    return parseEnv(readFileSync(file, "utf8"));
  } catch {
    return {};
  }
}

/** Where a browser on this machine finds the gateway. */
function localUrl(settings: Environment): string {
  const host = settings.HOST ?? "127.0.0.1";
  const port = settings.PORT ?? "8089";
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}
