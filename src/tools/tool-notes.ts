/** What a model should know of an action beyond its name and parameters. */
export const TOOL_NOTES: Readonly<Record<string, string>> = {
  "fs.read":
    "Gives the text of a file, or its bytes with encoding base64. An image comes as an image. Text over 64 KB becomes an artifact and content is null: read it in parts with offset and length.",
  "fs.list": "Gives name, type, size and time of everything in one folder, not of its subfolders.",
  "fs.write":
    "Writes a whole file. The person who approves sees a diff. To change a few words of a file that is there, fs_edit is better.",
  "fs.edit":
    "Replaces one piece of text in a file. old_text must stand in it exactly once: read the file first and copy enough of what is around it.",
  "browser.open": "Opens an http or https address in the desktop's browser and gives a screenshot.",
  "app.open": "Opens an application of the desktop by its name and gives a screenshot.",
  "screen.capture":
    "Gives the screen as an image. Coordinates of mouse tools are pixels of this image, from its top left.",
  "screen.cursor": "Gives the position of the mouse pointer in pixels.",
  "mouse.move": "Moves the pointer without pressing anything.",
  "mouse.click":
    "Clicks once, twice or three times. Look at the screen first; afterwards look whether it did what was meant.",
  "mouse.press": "Presses a mouse button without releasing it, or releases it.",
  "mouse.drag": "Moves along a path of points with a mouse button held.",
  "mouse.trace": "Moves along a path of points without pressing a button.",
  "mouse.scroll": "Turns the wheel.",
  "keyboard.type": "Types text key by key into what has the focus.",
  "keyboard.paste": "Puts text into what has the focus at once, through the clipboard.",
  "keyboard.chord": "Presses keys together and releases them, such as ctrl and s.",
  "keyboard.press": "Holds keys down, or releases them.",
  wait: "Lets time pass, for something on the screen to finish.",
  "shell.run": "Runs one program with its arguments. No shell: no pipes, wildcards or variables.",
  "agent.task":
    "Hands a task in words to ByteBot's own agent on the desktop, which may take minutes.",
};

const APPROVAL =
  "the call then answers at once with the status awaiting_confirmation and a task_id, and the action runs by itself after the person has approved it. Tell the user, then ask task_status with that task_id; do not call again for the same thing, and never claim that it was done before task_status says completed.";

/** What a call leads to, by who must confirm; undefined: it is not said to strangers. */
export function confirmationNote(mode: string | undefined): string {
  if (mode === undefined) return `A person may have to approve it first: ${APPROVAL}`;
  return mode === "approver" ? `A person must approve it first: ${APPROVAL}` : "Runs at once.";
}
