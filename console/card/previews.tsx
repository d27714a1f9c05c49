import type { ReactNode } from "react";
import type { Preview } from "../../src/contract/task.ts";
import { Inert } from "../parts/inert.tsx";
import { DiffBlock } from "./diff-block.tsx";
import { ArgumentList } from "./parameter-list.tsx";
import { Piece } from "./reveal.tsx";
import { Screenshot } from "./screenshot.tsx";
import { TextBlock } from "./text-block.tsx";

type PreviewOf<Kind extends Preview["kind"]> = Extract<Preview, { kind: Kind }>;

/** What the step will do, each kind as it is best read. */
export function PreviewView({ preview }: { preview: Preview }) {
  const View = VIEWS[preview.kind] as (props: { preview: Preview }) => ReactNode;
  return <View preview={preview} />;
}

const VIEWS: {
  readonly [Kind in Preview["kind"]]: (props: { preview: PreviewOf<Kind> }) => ReactNode;
} = {
  diff: ({ preview: { path, diff, truncated, note } }) => (
    <>
      <Note text={note} />
      <Titled title="Changes to" text={path} />
      {diff === "" ? (
        <Piece>
          <p className="empty-text">Nothing would change.</p>
        </Piece>
      ) : (
        <DiffBlock diff={diff} label="Changes" />
      )}
      {truncated && (
        <Piece>
          <p className="warning">
            The changes go on. All of what is written stands in the parameters below.
          </p>
        </Piece>
      )}
    </>
  ),
  url: ({ preview: { href, host, host_unicode, port, path } }) => (
    <Piece className="host">
      <p className="host-name">
        <Inert text={host} />
        {port !== "" && <span className="host-port">:{port}</span>}
      </p>
      {host_unicode !== undefined && (
        <p className="warning">
          It would be shown as{" "}
          <strong>
            <Inert text={host_unicode} />
          </strong>
          : letters outside ASCII can look like others.
        </p>
      )}
      <dl className="parameters">
        <div className="parameter">
          <dt>path</dt>
          <dd>
            <code>
              <Inert text={path} />
            </code>
          </dd>
        </div>
        <div className="parameter">
          <dt>address</dt>
          <dd>
            <code>
              <Inert text={href} />
            </code>
          </dd>
        </div>
      </dl>
    </Piece>
  ),
  command: ({ preview: { argv } }) => (
    <>
      <h4>Runs this program, without a shell, one argument a line</h4>
      <ArgumentList items={argv} />
    </>
  ),
  text: ({ preview: { text, note } }) => (
    <>
      <Note text={note} />
      <TextBlock text={text} label="Text" />
    </>
  ),
  screenshot: ({ preview }) => (
    <>
      <Note text={preview.note} />
      <Screenshot {...preview} />
    </>
  ),
  agent: ({ preview: { description, envelope } }) => (
    <>
      <h4>Asks the agent</h4>
      <TextBlock text={description} label="What the agent is asked" numbered={false} />
      <h4>Within this it acts by itself</h4>
      <ul className="envelope">
        {envelope.map((sentence) => (
          <li key={sentence}>
            <Piece>
              <Inert text={sentence} />
            </Piece>
          </li>
        ))}
      </ul>
    </>
  ),
};

function Note({ text }: { text: string | undefined }) {
  if (text === undefined) return null;
  return (
    <Piece>
      <p className="warning">
        <Inert text={text} />
      </p>
    </Piece>
  );
}

function Titled({ title, text }: { title: string; text: string }) {
  return (
    <Piece>
      <h4>
        {title}{" "}
        <code>
          <Inert text={text} />
        </code>
      </h4>
    </Piece>
  );
}
