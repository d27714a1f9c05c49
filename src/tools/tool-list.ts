import type { Capability, CapabilityRegistry } from "../capabilities/capability.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Principal } from "../contract/principal.ts";
import type { CapabilitiesView, CapabilityView } from "../contract/service.ts";
import { confirmationNote } from "./confirmation-note.ts";
import { runPlanTool, taskStatusTool } from "./general-tools.ts";
import { type Tool, type ToolArguments, type ToolSchema, toolName } from "./tool.ts";
import { toolSchema } from "./tool-schema.ts";

export interface ToolListDeps {
  readonly registry: CapabilityRegistry;
  /** What may be done at this moment, by whom. */
  readonly capabilities: (principal: Principal | undefined) => CapabilitiesView;
}

interface Schemas {
  readonly parameters: ToolSchema;
  readonly result: ToolSchema;
}

/** The tools of a key: every action that policy enables, the key may use and a desktop performs. */
export class ToolList {
  readonly #deps: ToolListDeps;
  /** By action, made when first asked for. */
  readonly #schemas = new Map<string, Schemas>();

  constructor(deps: ToolListDeps) {
    this.#deps = deps;
  }

  /** Undefined: a stranger, who is told of all that is enabled but not who confirms what. */
  of(principal: Principal | undefined): readonly Tool[] {
    const { capabilities } = this.#deps.capabilities(principal);
    const enabled = [...this.#deps.registry.values()].flatMap((capability) => {
      const view = capabilities[capability.action];
      return view?.enabled ? [{ capability, view }] : [];
    });
    const tools = enabled.map(({ capability, view }) => this.#tool(capability, view));
    if (tools.length === 0) return [taskStatusTool];
    return [
      ...tools,
      runPlanTool(enabled.map(({ capability }) => capability.action)),
      taskStatusTool,
    ];
  }

  /** A tool by its name, whether it may be used at present or not: planning says why not. */
  find(name: string): Tool | undefined {
    const actions = [...this.#deps.registry.keys()];
    if (name === taskStatusTool.name) return taskStatusTool;
    const capability = [...this.#deps.registry.values()].find(
      ({ action }) => toolName(action) === name,
    );
    if (capability !== undefined) return this.#tool(capability, undefined);
    const runPlan = runPlanTool(actions);
    return name === runPlan.name ? runPlan : undefined;
  }

  #tool(capability: Capability, view: CapabilityView | undefined): Tool {
    const { action, readOnly, destructive, idempotent, openWorld } = capability;
    const { parameters, result } = this.#schemasOf(capability);
    return {
      name: toolName(action),
      title: capability.description,
      description: describe(capability, view),
      parameters: withDesktop(parameters, view?.desktops ?? []),
      result,
      annotations: { readOnly, destructive, idempotent, openWorld },
      plan: (args) => ({
        action,
        parameters: known(args, parameters),
        ...desktopOf(args),
      }),
    };
  }

  #schemasOf({ action, parameters, result }: Capability): Schemas {
    const known = this.#schemas.get(action);
    if (known !== undefined) return known;
    const made = { parameters: toolSchema(parameters), result: toolSchema(result) };
    this.#schemas.set(action, made);
    return made;
  }
}

/** Clients send null for what was left out; anything else that is no name would mean another desktop. */
function desktopOf({ desktop }: ToolArguments): { desktop?: string } {
  if (desktop === undefined || desktop === null) return {};
  if (typeof desktop === "string") return { desktop };
  throw new GatewayError("invalid_request", "/desktop is not the name of a desktop.", {
    hint: "GET /capabilities lists the desktops of a key.",
  });
}

function describe({ description, note }: Capability, view: CapabilityView | undefined): string {
  return [
    `${description}.`,
    note,
    ...limitsOf(view?.limits ?? {}),
    view === undefined ? undefined : `Risk: ${view.risk_level}.`,
    confirmationNote(view?.confirmation),
  ]
    .filter((part) => part !== undefined)
    .join(" ");
}

const LIMITS: Readonly<Record<string, string>> = {
  allowed_paths: "Allowed below",
  allowed_extensions: "Allowed endings:",
  allowed_domains: "Allowed hosts:",
  allowed_commands: "Allowed commands:",
  allowed_apps: "Allowed applications:",
  max_file_size_mb: "Largest file in MiB:",
};
/** Of a longer list the rest is found out by trying. */
const MAX_NAMED = 20;

function limitsOf(limits: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(LIMITS).flatMap(([name, lead]) => {
    const limit = limits[name];
    if (limit === undefined) return [];
    const all = [limit].flat();
    const more = all.length > MAX_NAMED ? " and more" : "";
    return [`${lead} ${all.slice(0, MAX_NAMED).join(", ") || "none"}${more}.`];
  });
}

/** Which desktop is asked only where there is a choice. */
function withDesktop(parameters: ToolSchema, desktops: readonly string[]): ToolSchema {
  if (desktops.length < 2) return parameters;
  const desktop = {
    type: "string",
    enum: desktops,
    description: `The desktop to work on. Default ${desktops[0]}.`,
  };
  return { ...parameters, properties: { ...parameters.properties, desktop } };
}

/** The arguments the action knows. Clients send others too, and null for what was left out. */
function known(args: ToolArguments, { properties, required = [] }: ToolSchema) {
  return Object.fromEntries(
    Object.entries(args).filter(
      ([name, value]) =>
        Object.hasOwn(properties, name) && (value !== null || required.includes(name)),
    ),
  );
}
