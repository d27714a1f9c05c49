import { oneLine } from "../../src/contract/inert-text.ts";
import type { Waiting } from "./waiting.ts";

const WANTED = "bytebot-notifications";
const MAX_CHARACTERS = 140;

export type NotificationChoice = "on" | "off" | "refused" | "impossible";

export function notificationChoice(): NotificationChoice {
  if (!("Notification" in globalThis) || !isSecureContext) return "impossible";
  if (Notification.permission === "denied") return "refused";
  return Notification.permission === "granted" && localStorage.getItem(WANTED) === "on"
    ? "on"
    : "off";
}

/** Asks the browser where it has not been asked. */
export async function chooseNotifications(on: boolean): Promise<NotificationChoice> {
  if (!on) localStorage.removeItem(WANTED);
  else if ((await Notification.requestPermission()) === "granted") {
    localStorage.setItem(WANTED, "on");
  }
  return notificationChoice();
}

/** Says that a plan waits, where nobody looks at this page. */
export function notifyOf(waiting: Waiting, open: () => void): void {
  if (notificationChoice() !== "on" || document.visibilityState === "visible") return;
  const notification = new Notification(`${waiting.risk} risk: a plan waits for you`, {
    body: oneLine(waiting.summary, MAX_CHARACTERS),
    tag: waiting.id,
  });
  notification.onclick = () => {
    focus();
    open();
    notification.close();
  };
}
