import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Child, makeFolder, startGateway } from "../child.ts";
import { clientFiles, type Keys, makeKeys } from "./keys.ts";
import { LogWatch } from "./log-watch.ts";

export interface Soaked {
  readonly gateway: Child;
  readonly keys: Keys;
  readonly log: LogWatch;
  /** Where the inspector listens, once it was asked for. */
  readonly inspector: Promise<string>;
}

/** A gateway with the shipped policy, but for how much one key may ask in a minute, and keys for everybody. */
export async function startSoaked(): Promise<Soaked> {
  const keys = makeKeys();
  const log = new LogWatch();
  const inspector = Promise.withResolvers<string>();
  const folder = await makeFolder();
  await mkdir(join(folder, "work/tmp"), { recursive: true });
  await writeFile(join(folder, "work/tmp/small.txt"), "hello\n");
  await writeFile(join(folder, "work/tmp/large.txt"), "a line of text\n".repeat(400_000));
  const shipped = new URL("../../config/policy.json", import.meta.url);
  const { $schema: _, ...policy } = JSON.parse(await readFile(shipped, "utf8"));
  policy.security.rate_limit_per_minute = 100_000;
  const environment = {
    APPROVER_SECRET: keys.approver.secret,
    API_TOKEN: keys.api.secret,
    LOG_FORMAT: "json",
    // Any free port, should the inspector be asked for in the end.
    NODE_OPTIONS: "--inspect-port=0",
  };
  const onLine = (line: string) => {
    log.read(line);
    const address = /^Debugger listening on (\S+)/.exec(line)?.[1];
    if (address !== undefined) inspector.resolve(address);
  };
  const gateway = await startGateway(folder, environment, {
    policy,
    config: clientFiles(keys),
    onLine,
  });
  return { gateway, keys, log, inspector: inspector.promise };
}
