import { agentTask } from "./agent.ts";
import { appOpen } from "./app.ts";
import { browserOpen } from "./browser.ts";
import type { CapabilityRegistry } from "./capability.ts";
import { fsEdit, fsList, fsRead, fsWrite } from "./fs.ts";
import { keyboardChord, keyboardPaste, keyboardPress, keyboardType } from "./keyboard.ts";
import { mouseClick, mouseDrag, mouseMove, mousePress, mouseScroll, mouseTrace } from "./mouse.ts";
import { screenCapture, screenCursor } from "./screen.ts";
import { shellRun } from "./shell.ts";
import { wait } from "./wait.ts";

const ALL = [
  fsRead,
  fsList,
  fsWrite,
  fsEdit,
  browserOpen,
  appOpen,
  screenCapture,
  screenCursor,
  mouseMove,
  mouseClick,
  mousePress,
  mouseDrag,
  mouseTrace,
  mouseScroll,
  keyboardType,
  keyboardPaste,
  keyboardChord,
  keyboardPress,
  wait,
  shellRun,
  agentTask,
];

/** Every action of this version. */
export const capabilities: CapabilityRegistry = new Map(
  ALL.map((capability) => [capability.action, capability]),
);
