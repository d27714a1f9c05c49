import { Switch } from "@base-ui/react/switch";
import { useState } from "react";
import { chooseNotifications, notificationChoice } from "./notifications.ts";

/** Whether the browser says when something new waits. Off until somebody turns it on. */
export function NotificationSwitch() {
  const [choice, setChoice] = useState(notificationChoice);
  if (choice === "impossible") return null;
  if (choice === "refused") {
    return <span className="hint">Notifications are blocked in the browser</span>;
  }
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the switch is the control
    <label className="switch-field">
      <span>Notify me</span>
      <Switch.Root
        className="switch"
        checked={choice === "on"}
        onCheckedChange={async (on) => setChoice(await chooseNotifications(on))}
      >
        <Switch.Thumb className="switch-thumb" />
      </Switch.Root>
    </label>
  );
}
