/** Everything the operator set, checked and in sane units. Frozen; holds no secret. */
export interface Config {
  /** Address or name the server binds. */
  readonly host: string;
  /** 0: any free port (tests). */
  readonly port: number;
  /** How people reach the gateway: origin and perhaps a path, without a slash at its end. */
  readonly publicUrl: string;
  /** Lower-case Host values allowed besides loopback names and publicUrl: `name` or `name:port`. */
  readonly allowedHosts: readonly string[];
  /** Addresses, CIDR ranges, or `loopback`, `linklocal`, `uniquelocal`. */
  readonly trustedProxies: readonly string[];
  /** Origins as browsers send them, or `*`. */
  readonly corsOrigins: readonly string[];
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;

  readonly driver: DriverName;
  /** ByteBot's desktops, the default first. Looked at with the driver `bytebot` alone. */
  readonly bytebot: readonly ByteBotDesktop[];
  /** The listener that ByteBot's agents act through. */
  readonly guard: { readonly host: string; readonly port: number };
  /** The embedded driver's desktop. */
  readonly desktop: {
    readonly width: number;
    readonly height: number;
    /** Name → argument list, besides what is found. */
    readonly applications: Readonly<Record<string, readonly string[]>>;
  };

  /** Absolute paths. They are proven disjoint by `prepareDirectories`. */
  readonly workdir: string;
  readonly dataDir: string;
  readonly configDir: string;
  /** `policy.json`, `clients.json` and `webhooks.json` of configDir; each may be missing. */
  readonly policyFile: string;
  readonly clientsFile: string;
  readonly webhooksFile: string;
  /** Files a secret was read from, `.env` included: none may lie inside workdir. */
  readonly secretFiles: readonly string[];

  /** Largest file to read or write, bytes. */
  readonly maxFileSize: number;
  /** For calls to ByteBot. */
  readonly requestTimeoutMs: number;
  readonly retryAttempts: number;
  /** Days that finished tasks and artifacts are kept. */
  readonly retentionDays: number;
}

export interface ByteBotDesktop {
  /** What a plan calls it. */
  readonly name: string;
  /** Where that URL stands, for hints; BYTEBOT_URL unless it is in a list of desktops. */
  readonly setting?: string;
  /** Desktop daemon, without a slash at its end. */
  readonly url: string;
  /** Agent; undefined: none is used. */
  readonly agentUrl: string | undefined;
  /** Ids of the keys that may use it; null: every key. */
  readonly keys: readonly string[] | null;
}

/** pino's names; LOG_LEVEL says DEBUG, INFO, WARNING or ERROR. */
export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "json" | "text";
export type DriverName = "embedded" | "bytebot";

/** Kept apart from Config, so that nothing which prints a Config prints a secret. */
export interface Secrets {
  /** Of the key `default`. */
  readonly sharedSecret: string;
  /** Of the key `approver`; undefined: there is no such key. */
  readonly approverSecret: string | undefined;
  /** Bearer token of the key `api`; undefined: there is no such key. */
  readonly apiToken: string | undefined;
  readonly auditKey: string;
  /** By the name of the desktop; absent: none is sent. */
  readonly bytebotApiKeys: ReadonlyMap<string, string>;
  /** What Open WebUI signs the name of its users with; undefined: names are only claimed. */
  readonly openWebUiJwtSecret: string | undefined;
  /** Stands in the path that agents are pointed at; undefined: no agent can be guarded. */
  readonly guardKey: string | undefined;
  /** A variable as environment and `.env` had it at the start, for `secret_env` and the like of JSON files. */
  readonly variable: (name: string) => string | undefined;
}

/** A configuration the service refuses to start with. */
export class StartupError extends Error {
  override readonly name = "StartupError";
  /** What is at fault: an environment variable, or a file with the place in it. */
  readonly variable: string;
  /** What is wrong with it; never its value where that is a secret. */
  readonly problem: string;
  /** What to do. */
  readonly hint: string;

  constructor(variable: string, problem: string, hint: string, cause?: unknown) {
    super(`${variable}: ${problem}. ${hint}`, cause === undefined ? undefined : { cause });
    this.variable = variable;
    this.problem = problem;
    this.hint = hint;
  }
}
