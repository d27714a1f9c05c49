import type { RiskLevel } from "../contract/policy.ts";
import type { PlanView, Preview, RequestedBy, StepView, TaskView } from "../contract/task.ts";
import { inert, inertLine, wrap } from "./inert-text.ts";
import { type Canvas, indented, renderField } from "./render-value.ts";
import type { Paint } from "./shell.ts";

const LABEL_WIDTH = 12;

/**
 * Everything there is to know of a plan, as lines of inert text: who asked, the digest, each step
 * with its exact parameters, risk, reasons and preview. Nothing is cut or left out, however long,
 * because this is what an approver decides on (I8).
 */
export function renderPlan(plan: PlanView | TaskView, canvas: Canvas, now: number): string[] {
  const { paint } = canvas;
  const count = plan.steps.length;
  return [
    ...wrapped(plan.plan_summary, "", canvas.width).map((line) => paint("bold", line)),
    "",
    ...renderHead(plan, canvas, now),
    ...plan.steps.flatMap((step, index) => [
      "",
      ...renderStep(step, count === 1 ? "Step" : `Step ${index + 1} of ${count}`, canvas),
    ]),
  ];
}

function renderHead(plan: PlanView | TaskView, canvas: Canvas, now: number): string[] {
  const { paint } = canvas;
  const { mode, approvals_required: needed } = plan.confirmation;
  const rows: [string, string][] = [["Task", inert(plan.task_id)]];
  if (plan.title !== undefined) rows.push(["Title", inert(plan.title)]);
  if ("requester" in plan) rows.push(["Requester", inert(plan.requester)]);
  if (plan.requested_by !== undefined) rows.push(["For", personText(plan.requested_by)]);
  rows.push(
    ["Desktop", inert(plan.desktop)],
    ...(plan.status === "planned" ? [] : [["Status", inert(plan.status)] as [string, string]]),
    ["Risk", riskText(plan.estimated_risk, paint)],
    ["Confirmed by", MODES[mode](needed)],
    ["Digest", inert(plan.plan_digest)],
    ["Expires", expiryText(plan.expires_at, now)],
  );
  const approvals = "approvals" in plan ? plan.approvals : [];
  for (const { key_id, via, grant_id, on_behalf_of, at } of approvals) {
    const claimed = on_behalf_of === undefined ? "" : ` for ${inert(on_behalf_of)}, as it claims`;
    const where =
      grant_id === undefined
        ? via === undefined
          ? ""
          : ` on its own ${via}`
        : ` beforehand, by ${inert(grant_id)}`;
    rows.push(["Approved", `${inert(key_id)}${where}${claimed}, ${at}`]);
  }
  const room = canvas.width - LABEL_WIDTH - 2;
  return rows.flatMap(([label, text]) => {
    // Colours would be counted as columns: only plain rows are wrapped.
    const [first = "", ...rest] = text.includes("\u001b") ? [text] : wrap(text, room);
    return [
      `${paint("dim", label.padEnd(LABEL_WIDTH + 1))} ${first}`,
      ...indented(rest, `${" ".repeat(LABEL_WIDTH)}┊ `),
    ];
  });
}

function personText({ verified, name, email, id, role }: RequestedBy): string {
  const parts = [name, email, id, role].filter((part) => part !== undefined).map(inert);
  return `${parts.join(", ")} (${verified ? "verified" : "only claimed"})`;
}

function renderStep(step: StepView, title: string, canvas: Canvas): string[] {
  const { paint, width } = canvas;
  const head = `${paint("bold", title)}  ${paint("bold", inert(step.action))}  ${riskText(step.risk, paint)}`;
  const parameters = Object.entries(step.parameters);
  return [
    head,
    ...wrapped(step.summary, "  ", width),
    ...step.reasons.flatMap((reason) => wrapped(reason, "  • ", width)),
    paint("dim", parameters.length === 0 ? "  no parameters" : "  parameters"),
    ...parameters.flatMap(([name, value]) => renderField(name, value, "    ", canvas)),
    ...(step.preview === undefined ? [] : renderPreview(step.preview, canvas)),
  ];
}

/** A text behind its lead, what had to be wrapped behind a `┊`. */
function wrapped(text: string, lead: string, width: number): string[] {
  const [first = "", ...rest] = wrap(inert(text), width - lead.length - 2);
  const indent = " ".repeat(Math.max(0, lead.length - 2));
  return [lead + first, ...rest.map((part) => `${indent}┊ ${part}`)];
}

type PreviewOf<Kind extends Preview["kind"]> = Extract<Preview, { kind: Kind }>;

const PREVIEWS: {
  readonly [Kind in Preview["kind"]]: (preview: PreviewOf<Kind>, canvas: Canvas) => string[];
} = {
  diff: (preview, canvas) => [
    ...noted(preview.note, canvas),
    ...wrapped(preview.path, "  changes to ", canvas.width).map((line) =>
      canvas.paint("dim", line),
    ),
    ...indented(renderDiff(preview.diff, { ...canvas, width: canvas.width - 4 }), "    "),
    ...(preview.truncated
      ? [canvas.paint("yellow", "    the changes go on: the parameters above are the whole of it")]
      : []),
  ],
  url: (preview, canvas) => [
    canvas.paint("dim", "  opens"),
    ...renderField("host", preview.host, "    ", canvas),
    ...(preview.port === "" ? [] : renderField("port", preview.port, "    ", canvas)),
    ...renderField("path", preview.path, "    ", canvas),
    ...renderField("address", preview.href, "    ", canvas),
  ],
  command: (preview, canvas) => [
    canvas.paint("dim", "  runs, without a shell"),
    ...renderField("argv", preview.argv, "    ", canvas),
  ],
  text: (preview, canvas) => [
    ...noted(preview.note, canvas),
    canvas.paint("dim", "  preview"),
    ...renderText(preview.text, canvas),
  ],
  screenshot: (preview, canvas) => [
    ...noted(preview.note, canvas),
    canvas.paint("dim", `  on the screen of ${preview.width}×${preview.height} pixels at`),
    ...preview.targets.map(({ x, y }) => `    ${x}, ${y}`),
    canvas.paint("dim", "  to see the screen when this was planned, with the target marked:"),
    `    ${canvas.program ?? "bytebot-gateway"} artifact ${preview.artifact_id} --output FILE --key-id approver`,
  ],
  agent: (preview, canvas) => [
    canvas.paint("dim", "  asks the agent"),
    ...renderText(preview.description, canvas),
    canvas.paint("dim", "  which may act by itself within this"),
    ...preview.envelope.flatMap((line) => wrapped(line, "    · ", canvas.width)),
  ],
};

function renderText(text: string, canvas: Canvas): string[] {
  return indented(
    text.split("\n").flatMap((line) => inertLine(line, canvas.width - 4)),
    "    ",
  );
}

function noted(note: string | undefined, canvas: Canvas): string[] {
  if (note === undefined) return [];
  return wrapped(note, "  ", canvas.width).map((line) => canvas.paint("yellow", line));
}

function renderPreview(preview: Preview, canvas: Canvas): string[] {
  const render = PREVIEWS[preview.kind] as (preview: Preview, canvas: Canvas) => string[];
  return render(preview, canvas);
}

/** A unified diff, coloured by the sign each line starts with. */
export function renderDiff(diff: string, { paint, width }: Canvas): string[] {
  if (diff === "") return [paint("dim", "nothing would change")];
  const lines = diff.endsWith("\n") ? diff.slice(0, -1).split("\n") : diff.split("\n");
  return lines.flatMap((line) => {
    const [, style] = DIFF_STYLES.find(([sign]) => line.startsWith(sign)) ?? [];
    const drawn = inertLine(line, width);
    return style === undefined ? drawn : drawn.map((part) => paint(style, part));
  });
}

const DIFF_STYLES = [
  ["+++", "bold"],
  ["---", "bold"],
  ["@@", "cyan"],
  ["+", "green"],
  ["-", "red"],
] as const;

const MODES = {
  none: () => "nobody: it runs on execute",
  client: () => "the signed execute call",
  approver: (needed: number) => (needed === 1 ? "an approver" : `${needed} different approvers`),
} as const;

export const RISK_STYLES = { low: "green", medium: "yellow", high: "red" } as const;

export function riskText(risk: RiskLevel, paint: Paint): string {
  return paint([RISK_STYLES[risk], "bold"], `${risk} risk`);
}

function expiryText(expiresAt: string, now: number): string {
  const seconds = Math.round((Date.parse(expiresAt) - now) / 1000);
  const left = seconds <= 0 ? "over" : `in ${durationText(seconds)}`;
  return `${left} (${inert(expiresAt)})`;
}

/** `45 s`, `12 min`, `3 h`, `2 d`. */
export function durationText(seconds: number): string {
  const [size, unit] = UNITS.find(([length]) => seconds >= 2 * length) ?? ([1, "s"] as const);
  return `${Math.round(seconds / size)} ${unit}`;
}

const UNITS = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
] as const;
