import { Inert } from "../parts/inert.tsx";

/** A longer text as it stands, which scrolls by itself. */
export function TextPane({ text, name }: { text: string; name: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="text-pane" aria-label={name} tabIndex={0}>
      <pre>
        <Inert text={text} multiline />
      </pre>
    </section>
  );
}
