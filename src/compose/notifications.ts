import { readWebhooks } from "../config/webhooks.ts";
import type { WebhookEndpoint } from "../contract/webhook.ts";
import { ReloadingFile } from "../lib/reloading-file.ts";
import type { NoticeLog } from "../notify/notice-log.ts";
import { Notifier } from "../notify/notifier.ts";
import type { WebhookStore } from "../notify/webhook-store.ts";
import type { TaskReader } from "../tasks/task-reader.ts";
import type { Foundation } from "./foundation.ts";
import { secretsOfWebhooks } from "./redaction.ts";

/** What notifications read and keep. */
interface NotificationStores {
  readonly audit: NoticeLog;
  readonly webhooks: WebhookStore;
}

export interface Notifications extends Pick<Notifier, "list" | "retry" | "prune">, AsyncDisposable {
  /** Begins to send: once it is known where people reach the gateway. */
  start(): void;
  /** Reads webhooks.json now. */
  reload(): void;
  /** Why the file as it stands now is not in force. */
  readonly problem: string | undefined;
}

const CORRUPTED = "Stopped: what is stored of it is not what was planned and approved.";

/** The endpoints of webhooks.json, and what tells them. Throws StartupError. */
export async function openNotifications(
  { config, secrets, address, log, redact }: Foundation,
  store: NotificationStores,
  tasks: Pick<TaskReader, "read">,
): Promise<Notifications> {
  await using building = new AsyncDisposableStack();
  const source = building.use(
    new ReloadingFile({
      file: config.webhooksFile,
      load: () => {
        const endpoints = readWebhooks(config, secrets);
        redact(secretsOfWebhooks(endpoints));
        return endpoints;
      },
      kept: "the endpoints read before stay in force",
    }),
  );
  source.onRefused((problem) => log.error({ problem }, "webhooks file refused; those before stay"));
  const initial = source.current;
  const notifier = building.use(
    await Notifier.open(initial, {
      store: store.webhooks,
      log: store.audit,
      logger: log,
      problem: () => source.problem,
      linkTo: (taskId) => `${address.publicUrl}/approvals/${taskId}`,
      describe: async (taskId) => {
        const task = await tasks.read(taskId);
        if (task === undefined) return undefined;
        const { risk, expires_at } = task.plan;
        const summary = task.corruption === undefined ? task.notes.summary : CORRUPTED;
        return { summary, risk, requester: task.requester, expires_at };
      },
    }),
  );
  const failed = (err: unknown) => log.error({ err }, "webhooks could not be put in force");
  const replace = (endpoints: readonly WebhookEndpoint[]) => {
    notifier
      .replace(endpoints)
      .then(() => log.info({ webhooks: endpoints.length }, "webhooks reloaded"))
      .catch(failed);
  };
  source.onReload(replace);
  // It may have changed while the notifier was opened.
  if (source.current !== initial) replace(source.current);
  const built = building.move();
  return {
    list: () => notifier.list(),
    retry: (keyId, request) => notifier.retry(keyId, request),
    prune: (time) => notifier.prune(time),
    start: () => void notifier.start().catch(failed),
    reload: () => source.reload(),
    get problem() {
      return source.problem;
    },
    [Symbol.asyncDispose]: () => built.disposeAsync(),
  };
}
