import type { AuditQuery } from "../../src/contract/audit.ts";

/** What is searched for, as it stands in the form and in the page's address. */
export const FILTERS = ["text", "type", "key_id", "task_id", "from", "to"] as const;
export type Filters = Readonly<Record<(typeof FILTERS)[number], string>>;

export const NO_FILTERS: Filters = {
  text: "",
  type: "",
  key_id: "",
  task_id: "",
  from: "",
  to: "",
};

export function filtersOf(search: URLSearchParams): Filters {
  const given = FILTERS.map((name) => [name, search.get(name) ?? ""]);
  return Object.fromEntries(given) as Filters;
}

/** As a query of this page's address, without what is empty. */
export function addressOf(filters: Partial<Filters>): string {
  const given = Object.entries(filters).filter(([, value]) => value !== "");
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

/** What the service is asked. Times are meant in the reader's own zone. */
export function queryOf(filters: Filters): AuditQuery {
  const given = FILTERS.flatMap((name): [string, string][] => {
    const value = filters[name].trim();
    if (value === "") return [];
    return [[name, name === "from" || name === "to" ? momentOf(value) : value]];
  });
  return Object.fromEntries(given);
}

/** `2026-01-31T12:00` of the reader → ISO 8601 in UTC; what is no time is left to be refused. */
function momentOf(local: string): string {
  const date = new Date(local);
  return Number.isNaN(date.getTime()) ? local : date.toISOString();
}
