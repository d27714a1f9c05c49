import { useQuery } from "@tanstack/react-query";
import type { PolicyView } from "../../src/contract/operate.ts";
import { keptForOperators, operate } from "../api/operate.ts";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { Moment } from "../parts/time.tsx";
import { CapabilityList } from "./capability-list.tsx";
import { CopyButton } from "./copy-button.tsx";
import { DryRun } from "./dry-run.tsx";
import { Explain } from "./explain.tsx";
import { PolicySettings } from "./policy-settings.tsx";
import { asFile, type ShownPolicy } from "./policy-words.ts";
import { TextPane } from "./text-pane.tsx";

/** `policy_reloaded` tells of another policy; of a file that is refused no event does. */
const LOOK_AGAIN_MS = 60_000;

/** The policy in force: to be read, to be asked, and to be compared with another. */
export function PolicyPart() {
  const { data, error, isPending } = useQuery({
    queryKey: keptForOperators.policy,
    queryFn: ({ signal }) => operate.policy(signal),
    refetchInterval: LOOK_AGAIN_MS,
  });
  return (
    <>
      <ProblemNote error={error} />
      {isPending && <p className="loading">Asking the gateway…</p>}
      {data !== undefined && <Shown view={data} />}
    </>
  );
}

function Shown({ view }: { view: PolicyView }) {
  // The contract leaves its members open; the program fills in all of them.
  const policy = view.policy as unknown as ShownPolicy;
  const text = JSON.stringify(asFile(policy), null, 2);
  return (
    <>
      {view.problem !== undefined && (
        <div className="problem" role="alert">
          <p>
            <strong>The file as it is now is not in force.</strong> What is shown below still holds.
          </p>
          <pre className="inert">
            <Inert text={view.problem} multiline />
          </pre>
        </div>
      )}
      <dl className="facts">
        <dt>In force since</dt>
        <dd>
          <Moment at={view.loaded_at} />
        </dd>
        <dt>Edited in</dt>
        <dd>
          <code>
            <Inert text={view.file} />
          </code>
        </dd>
        <dt>Digest</dt>
        <dd>
          <code className="digest">{view.digest}</code>
        </dd>
      </dl>
      <nav className="jumps" aria-label="On this page">
        <a href="#may">What may be done</a>
        <a href="#settings">Settings</a>
        <a href="#explain">What would happen if</a>
        <a href="#dry-run">Try another policy</a>
      </nav>
      <CapabilityList policy={policy} />
      <PolicySettings policy={policy} />
      <Explain actions={Object.keys(policy.capabilities)} />
      <DryRun current={text} />
      <section className="part" aria-labelledby="as-file">
        <h2 id="as-file">As its file</h2>
        <details>
          <summary>Every default written out</summary>
          <CopyButton text={text} />
          <TextPane text={text} name="The policy as JSON" />
        </details>
      </section>
    </>
  );
}
