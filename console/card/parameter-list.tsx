import { Inert } from "../parts/inert.tsx";
import { Piece } from "./reveal.tsx";
import { TextBlock } from "./text-block.tsx";

/** Longer than this, or of several lines, a text stands in a block of its own. */
const SHORT = 200;

/** The exact parameters of a step, each by its name; nothing is cut. */
export function ParameterList({ parameters }: { parameters: Readonly<Record<string, unknown>> }) {
  const entries = Object.entries(parameters);
  if (entries.length === 0) {
    return (
      <Piece>
        <p className="empty-text">no parameters</p>
      </Piece>
    );
  }
  return (
    <dl className="parameters">
      {entries.map(([name, value]) => (
        <div className="parameter" key={name}>
          <dt>
            <Inert text={name} />
          </dt>
          <dd>
            <Value value={value} name={name} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ value, name }: { value: unknown; name: string }) {
  if (typeof value === "string") {
    if (value === "") return <Small>empty text</Small>;
    const isShort = value.length <= SHORT && !value.includes("\n");
    if (!isShort) return <TextBlock text={value} label={name} />;
    return (
      <Piece>
        <code>
          <Inert text={value} />
        </code>
      </Piece>
    );
  }
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
    return <ArgumentList items={value} />;
  }
  if (value === null || typeof value !== "object") {
    return (
      <Piece>
        <code>{String(value)}</code>
      </Piece>
    );
  }
  return <TextBlock text={JSON.stringify(value, null, 2)} label={name} numbered={false} />;
}

/** One item a line, so that what is one argument cannot pass for two. */
export function ArgumentList({ items }: { items: readonly string[] }) {
  if (items.length === 0) return <Small>empty list</Small>;
  return (
    <ol className="arguments" start={0}>
      {items.map((item, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an argument is its place
        <li key={index}>
          {item.length > SHORT || item.includes("\n") ? (
            <TextBlock text={item} label={`argument ${index}`} />
          ) : (
            <Piece>{item === "" ? <em>empty</em> : <Inert text={item} />}</Piece>
          )}
        </li>
      ))}
    </ol>
  );
}

function Small({ children }: { children: string }) {
  return (
    <Piece>
      <p className="empty-text">{children}</p>
    </Piece>
  );
}
