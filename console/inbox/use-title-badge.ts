import { useEffect } from "react";

/** `(3) Inbox – ByteBot Gateway`, for a tab in the back. */
export function useTitleBadge(page: string, count: number): void {
  useEffect(() => {
    const badge = count === 0 ? "" : `(${count > 99 ? "99+" : count}) `;
    document.title = `${badge}${page} – ByteBot Gateway`;
  }, [page, count]);
}
