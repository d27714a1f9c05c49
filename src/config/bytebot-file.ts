import Type, { type Static } from "typebox";
import { type ByteBotDesktop, StartupError } from "./config.ts";
import { baseUrl, ValueError } from "./values.ts";

const closed = { additionalProperties: false } as const;
const Url = Type.String({ minLength: 1, maxLength: 2048 });
const ApiKey = Type.String({
  minLength: 1,
  maxLength: 4096,
  description: "Sent as a bearer token; none for a ByteBot without one.",
});

const Desktop = Type.Object(
  {
    name: Type.String({
      pattern: "^[a-z0-9][a-z0-9._-]{0,63}$",
      description: "What a plan calls it.",
    }),
    url: Url,
    agent_url: Type.Optional(Url),
    api_key: Type.Optional(ApiKey),
    keys: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        description: "Ids of the keys that may use it; absent: all.",
        uniqueItems: true,
      }),
    ),
  },
  closed,
);

/** `config/bytebot.json`: how ByteBot is reached; with a `url` or `desktops` it also selects the driver. */
export const ByteBotFile = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    url: Type.Optional(Url),
    agent_url: Type.Optional(Url),
    api_key: Type.Optional(ApiKey),
    desktops: Type.Optional(
      Type.Array(Desktop, {
        minItems: 1,
        maxItems: 100,
        description: "Several desktops by name, in place of url, agent_url and api_key.",
      }),
    ),
    timeout: Type.Optional(Type.Number({ description: "seconds" })),
    retry_attempts: Type.Optional(Type.Integer()),
    workdir: Type.Optional(Type.String({ minLength: 1 })),
  },
  closed,
);
export type ByteBotFile = Static<typeof ByteBotFile>;

/** A desktop of the list, with the key written beside it. */
export type WrittenDesktop = ByteBotDesktop & { readonly apiKey: string | undefined };

/** The desktops that the file lists; undefined where it does not. Throws StartupError. */
export function readDesktops(file: string, content: ByteBotFile): WrittenDesktop[] | undefined {
  const { desktops } = content;
  if (desktops === undefined) return undefined;
  const single = (["url", "agent_url", "api_key"] as const).find(
    (key) => content[key] !== undefined,
  );
  if (single !== undefined) {
    const hint = "Name one desktop at the top, or all of them under desktops.";
    throw new StartupError(file, `has ${single} beside desktops`, hint);
  }
  return desktops.map(({ name, url, agent_url, api_key, keys }, index) => {
    const place = `${file} /desktops/${index}`;
    if (desktops.findIndex((other) => other.name === name) !== index) {
      throw new StartupError(place, `${name} is named twice`, "Give each desktop its own name.");
    }
    return {
      name,
      url: readUrl(url, `${place}/url`),
      agentUrl: agent_url === undefined ? undefined : readUrl(agent_url, `${place}/agent_url`),
      keys: keys ?? null,
      apiKey: api_key,
    };
  });
}

function readUrl(text: string, place: string): string {
  try {
    return baseUrl(text);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new StartupError(place, error.message, error.hint, error);
  }
}
