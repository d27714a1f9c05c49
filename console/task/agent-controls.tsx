import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { service } from "../api/service.ts";
import type { LiveEvent } from "../live/live-events.ts";
import { useAnnounce } from "../parts/announcer.tsx";
import { Inert } from "../parts/inert.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { agentState } from "./agent-state.ts";

/** Answering the agent, taking the desktop from it, and giving it back. */
export function AgentControls({
  taskId,
  events,
}: {
  taskId: string;
  events: readonly LiveEvent[];
}) {
  const { question, taken } = agentState(events);
  const announce = useAnnounce();
  const [message, setMessage] = useState("");
  const tell = useMutation({
    mutationFn: () => service.tell(taskId, message),
    onSuccess: () => {
      setMessage("");
      announce("Told the agent.");
    },
  });
  const desktop = useMutation({
    mutationFn: (act: "takeOver" | "giveBack") => service[act](taskId),
    onSuccess: (_task, act) =>
      announce(act === "takeOver" ? "The desktop is yours." : "The agent goes on."),
  });
  const send = (event: FormEvent) => {
    event.preventDefault();
    tell.mutate();
  };
  return (
    <section className="agent" aria-label="The agent">
      {question !== undefined && (
        <div className="question" role="alert">
          <h3>The agent asks</h3>
          <p className="multiline">
            <Inert text={question} multiline />
          </p>
        </div>
      )}
      <form className="form" onSubmit={send}>
        <label className="field">
          <span>{question === undefined ? "Tell the agent something" : "Your answer"}</span>
          <textarea
            rows={2}
            maxLength={20_000}
            required
            value={message}
            onChange={(event) => setMessage(event.target.value)}
          />
        </label>
        <div className="buttons">
          <button type="submit" className="button primary" disabled={tell.isPending}>
            Send
          </button>
          <button
            type="button"
            className="button"
            disabled={desktop.isPending}
            onClick={() => desktop.mutate(taken ? "giveBack" : "takeOver")}
          >
            {taken ? "Give the desktop back" : "Take the desktop"}
          </button>
        </div>
        <ProblemNote error={tell.error ?? desktop.error} />
      </form>
    </section>
  );
}
