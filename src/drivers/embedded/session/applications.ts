import { basename, isAbsolute } from "node:path";
import { GatewayError } from "../../../contract/errors.ts";
import type { Availability } from "../../../tasks/driver.ts";
import { findProgram, isExecutable } from "../sandbox-tools.ts";
import { BROWSERS, type Browser } from "./browser.ts";
import { PRIVATE } from "./session-sandbox.ts";

/** What is started for an application. */
export interface Start {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Program {
  /** Program and arguments; the first whose program is installed is taken. */
  readonly choices: readonly (readonly [string, ...string[]])[];
  /** What to install. */
  readonly package: string;
}

const XTERM_FONT = ["-u8", "-fa", "Monospace", "-fs", "11"] as const;

/** Applications known by what they are for, with ByteBot's names where it has them. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  terminal: {
    choices: [["xterm", ...XTERM_FONT], ["xfce4-terminal", "--disable-server"], ["lxterminal"]],
    package: "xterm",
  },
  directory: { choices: [["pcmanfm"], ["thunar"], ["nautilus"]], package: "pcmanfm" },
  editor: { choices: [["mousepad"], ["gedit"], ["featherpad"], ["leafpad"]], package: "mousepad" },
  calculator: { choices: [["galculator"], ["gnome-calculator"], ["xcalc"]], package: "galculator" },
  office: { choices: [["libreoffice", "--nologo"]], package: "libreoffice" },
  writer: { choices: [["libreoffice", "--nologo", "--writer"]], package: "libreoffice-writer" },
  calc: { choices: [["libreoffice", "--nologo", "--calc"]], package: "libreoffice-calc" },
  thunderbird: { choices: [["thunderbird"]], package: "thunderbird" },
  vscode: { choices: [["code"], ["codium"]], package: "code" },
};

const BLANK = "about:blank";

/**
 * Browsers keep keys and settings in their home beside the profile they are told: that must not be
 * the workspace's.
 */
const BROWSER_ENVIRONMENT = { HOME: `${PRIVATE}/home` };

/** Which applications there are, by name: those of the configuration before those that are found. */
export class Applications {
  readonly #configured: Readonly<Record<string, readonly string[]>>;
  readonly #find: (program: string) => string | undefined;

  constructor(
    configured: Readonly<Record<string, readonly string[]>>,
    find: (program: string) => string | undefined = findProgram,
  ) {
    this.#configured = configured;
    this.#find = find;
  }

  /** Every name that can be opened here. */
  get names(): string[] {
    const known = [
      ...Object.keys(this.#configured),
      ...Object.keys(PROGRAMS),
      ...["browser", ...BROWSERS.flatMap(({ names }) => names)],
    ];
    return [...new Set(known)].filter((name) => this.available(name).available).sort();
  }

  /** Whether it can be opened, or what to install. */
  available(application: string): Availability {
    const found = this.#lookUp(application);
    return "reason" in found
      ? { available: false, code: "desktop_unavailable", ...found }
      : { available: true };
  }

  /** Throws `desktop_unavailable` for what is not there. */
  start(application: string): Start {
    return startOf(this.#lookUp(application));
  }

  /** Whether there is a browser that opens URLs. */
  browserAvailable(): Availability {
    return this.available("browser");
  }

  /** `url` is one that the WHATWG parser wrote; throws `invalid_request` for what is none of http. */
  startUrl(url: string): Start {
    // So that it can neither be an option nor reach what only the browser itself may.
    if (!/^https?:\/\/[^\s]+$/.test(url)) {
      throw new GatewayError("invalid_request", "only http and https URLs are opened", {
        hint: "Give the whole URL, such as https://example.com/.",
      });
    }
    return startOf(this.#browser(BROWSERS, url));
  }

  #lookUp(application: string): Start | Missing {
    if (Object.hasOwn(this.#configured, application)) {
      return configured(application, this.#configured[application] ?? []);
    }
    const browsers = BROWSERS.filter(({ names }) => names.includes(application));
    if (application === "browser") return this.#browser(BROWSERS, BLANK);
    if (browsers.length > 0) return this.#browser(browsers, BLANK);
    const program = Object.hasOwn(PROGRAMS, application) ? PROGRAMS[application] : undefined;
    if (program === undefined) return unknown(application);
    for (const [name, ...rest] of program.choices) {
      const place = this.#find(name);
      if (place !== undefined) return { argv: [place, ...rest], env: {} };
    }
    const names = program.choices.map(([name]) => name);
    return notInstalled(application, names, program.package);
  }

  #browser(browsers: readonly Browser[], url: string): Start | Missing {
    for (const { programs, options } of browsers) {
      const place = programs.map(this.#find).find((path) => path !== undefined);
      if (place !== undefined) return { argv: [place, ...options, url], env: BROWSER_ENVIRONMENT };
    }
    const programs = browsers.map(({ programs: [name = ""] }) => name);
    return notInstalled("browser", programs, browsers[0]?.package ?? "");
  }
}

interface Missing {
  readonly reason: string;
  readonly hint: string;
}

function startOf(found: Start | Missing): Start {
  if (!("reason" in found)) return found;
  throw new GatewayError("desktop_unavailable", found.reason, { hint: found.hint });
}

/** Programs of the workspace's own directories are looked for when they are started. */
function configured(application: string, argv: readonly string[]): Start | Missing {
  const [program = ""] = argv;
  const where = `applications.${application} in config/desktop.json`;
  if (!isAbsolute(program)) {
    return {
      reason: `${where} does not begin with the full path of a program`,
      hint: `Write the path, for example /usr/bin/${basename(program)}.`,
    };
  }
  if (/^\/(?:usr|s?bin)\//.test(program) && !isExecutable(program)) {
    return {
      reason: `${program}, named by ${where}, is not an installed program`,
      hint: "Install it, or correct the path.",
    };
  }
  return { argv, env: {} };
}

function unknown(application: string): Missing {
  return {
    reason: `the embedded desktop knows no application ${application}`,
    hint: "Name its program in config/desktop.json, under applications.",
  };
}

function notInstalled(application: string, programs: readonly string[], name: string): Missing {
  return {
    reason: `no program for ${application} is installed (${programs.join(", ")})`,
    hint: `Install one (for example: apt-get install ${name}), or name one in config/desktop.json.`,
  };
}
