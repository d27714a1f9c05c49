import type { Parameters } from "../../../../src/contract/task.ts";
import {
  type ByteBotDriverOptions,
  openBytebotDriver,
} from "../../../../src/drivers/bytebot/bytebot-driver.ts";
import type { Driver } from "../../../../src/tasks/driver.ts";
import type { PlannedStep } from "../../../../src/tasks/task.ts";
import { type Daemon, type DaemonOptions, startDaemon } from "../../../bytebot/daemon.ts";

// What the tests of this folder share; nothing else imports it.

/** The stand-in is fast. */
const TIMES = {
  window: { pause: 1, unchanged: 5, limit: 200 },
  page: { pause: 1, unchanged: 5, limit: 200 },
};

export interface Bench extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly driver: Driver;
  /** How long it was waited for actions whose answer was lost; ms, which do not really pass. */
  readonly rests: number[];
}

/** A driver on a stand-in daemon of its own. */
export async function openBench(
  options: Partial<ByteBotDriverOptions> = {},
  daemonOptions: DaemonOptions = {},
): Promise<Bench> {
  const daemon = await startDaemon(daemonOptions);
  const rests: number[] = [];
  const driver = openBytebotDriver({
    url: daemon.url,
    apiKey: undefined,
    requestTimeoutMs: 5000,
    retryAttempts: 2,
    retryPauseMs: 1,
    times: TIMES,
    rest: async (ms) => {
      rests.push(ms);
    },
    ...options,
  });
  return {
    daemon,
    driver,
    rests,
    async [Symbol.asyncDispose]() {
      daemon.clearFaults();
      await driver[Symbol.asyncDispose]();
      await daemon[Symbol.asyncDispose]();
    },
  };
}

export function stepOf(
  action: string,
  parameters: Parameters = {},
  bound: Readonly<Record<string, string>> = {},
): PlannedStep {
  return { action, parameters, risk: "medium", bound };
}
