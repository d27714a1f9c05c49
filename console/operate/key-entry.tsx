import type { ReactNode } from "react";
import type { KeyView, NewKeyView } from "../../src/contract/operate.ts";
import { Who } from "../parts/facts.tsx";
import { Inert } from "../parts/inert.tsx";
import { Moment, TimeLeft } from "../parts/time.tsx";
import { RevokeKey } from "./revoke-key.tsx";
import { RotateKey } from "./rotate-key.tsx";

/** A key: what it may, where it stands, when it was last used, and what can be done about it. */
export function KeyEntry({
  entry,
  onRotated,
}: {
  entry: KeyView;
  onRotated: (made: NewKeyView) => void;
}) {
  const ofConsole = entry.source === "console";
  return (
    <>
      <div className="key-about">
        <h2 className="key-name">
          <code>
            <Inert text={entry.id} />
          </code>
          <span className="chip">{entry.scheme}</span>
          {entry.trusted_approval_surface && <span className="chip">trusted approval surface</span>}
        </h2>
        {entry.problem !== undefined && (
          <p className="caution">
            <Inert text={entry.problem} />
          </p>
        )}
        <p>
          {entry.scopes.map((scope) => (
            <span className="chip" key={scope}>
              {scope}
            </span>
          ))}
        </p>
        <dl className="facts">
          <Bound name="Actions" all="all" values={entry.capabilities} />
          <Bound name="Desktops" all="all" values={entry.desktops} />
          <Fact name="Last used">
            {entry.last_used_at === undefined ? "not yet" : <Moment at={entry.last_used_at} />}
          </Fact>
          <Fact name="Stands in">
            {ofConsole ? <Made entry={entry} /> : <Place entry={entry} />}
          </Fact>
          {entry.expires_at !== undefined && (
            <Fact name="Ends">
              <Moment at={entry.expires_at} />
            </Fact>
          )}
          {entry.tokens !== undefined && entry.tokens.length > 1 && (
            <OldTokens tokens={entry.tokens} />
          )}
        </dl>
      </div>
      {ofConsole && (
        <div className="buttons">
          <RotateKey id={entry.id} onRotated={onRotated} />
          <RevokeKey id={entry.id} />
        </div>
      )}
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Bound({
  name,
  all,
  values,
}: {
  name: string;
  all: string;
  values: readonly string[] | null;
}) {
  return (
    <Fact name={name}>
      {values === null
        ? all
        : values.map((value) => (
            <code className="chip" key={value}>
              <Inert text={value} />
            </code>
          ))}
      {values?.length === 0 && "none"}
    </Fact>
  );
}

function Made({ entry: { created_at: at, created_by: by } }: { entry: KeyView }) {
  return (
    <>
      the console
      {at !== undefined && (
        <>
          , made <Moment at={at} />
        </>
      )}
      {by !== undefined && (
        <>
          {" "}
          by <Who keyId={by} />
        </>
      )}
    </>
  );
}

function Place({ entry: { place, source } }: { entry: KeyView }) {
  return (
    <>
      <code>
        <Inert text={place ?? source} />
      </code>{" "}
      <span className="hint">and is changed there</span>
    </>
  );
}

/** While an overlap lasts: whether the token that was replaced is still in use, and until when. */
function OldTokens({ tokens }: { tokens: NonNullable<KeyView["tokens"]> }) {
  return tokens.slice(1).map(({ created_at: made, last_used_at: used, expires_at: until }) => (
    <Fact key={made} name="Old token">
      {until !== undefined && <TimeLeft until={Date.parse(until)} />}, last used{" "}
      {used === undefined ? "never" : <Moment at={used} />}
    </Fact>
  ));
}
