import type { ReactNode } from "react";

/** Where a table scrolls sideways by itself, also with the keyboard, and the page does not. */
export function TablePlace({ name, children }: { name: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className="table-place" aria-label={name} tabIndex={0}>
      <table>
        <caption className="visually-hidden">{name}</caption>
        {children}
      </table>
    </section>
  );
}
