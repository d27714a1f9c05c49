import type { ReactNode } from "react";
import { Mark } from "../app/mark.tsx";

/** The pages before one is let in. */
export function AuthGatePage({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="door">
      <div className="door-card">
        <Mark />
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
