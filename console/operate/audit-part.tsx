import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLocation, useSearch } from "wouter";
import { keptForOperators, operate } from "../api/operate.ts";
import { useRefresh } from "../api/queries.ts";
import { ProblemNote } from "../parts/problem-note.tsx";
import { AuditEntry } from "./audit-entry.tsx";
import { AuditFilters } from "./audit-filters.tsx";
import { addressOf, type Filters, filtersOf, queryOf } from "./audit-query.ts";
import { AuditVerification } from "./audit-verification.tsx";

const PAGE = 100;
/** A rare find may lie deep: so many pages are searched for it before the person is asked. */
const FILLS = 25;
const SEARCHES = 20;

/** What was done, by whom, newest first. What is searched for stands in the address. */
export function AuditPart() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const filters = filtersOf(new URLSearchParams(search));
  const show = (next: Filters) => navigate(`/console/operate/audit${addressOf(next)}`);
  return (
    <>
      <AuditVerification />
      <AuditFilters key={search} filters={filters} onSearch={show} />
      <Records filters={filters} />
    </>
  );
}

function Records({ filters }: { filters: Filters }) {
  const refresh = useRefresh();
  const { data, error, isPending, isFetching, hasNextPage, isFetchingNextPage, fetchNextPage } =
    useInfiniteQuery({
      queryKey: [...keptForOperators.audit, filters],
      queryFn: ({ pageParam, signal }) =>
        operate.audit(
          {
            order: "newest",
            limit: PAGE,
            ...queryOf(filters),
            ...(pageParam !== undefined && { before: pageParam }),
          },
          signal,
        ),
      initialPageParam: undefined as number | undefined,
      getNextPageParam: (page) => page.next_before,
    });
  const pages = data?.pages ?? [];
  const records = pages.flatMap((page) => page.records);
  const searchesOn =
    hasNextPage && error === null && records.length < FILLS && pages.length < SEARCHES;
  useEffect(() => {
    if (searchesOn && !isFetching) void fetchNextPage();
  }, [searchesOn, isFetching, fetchNextPage]);

  return (
    <section aria-label="Records">
      <div className="list-head">
        <p role="status" className="hint">
          {isPending || isFetchingNextPage
            ? "Searching…"
            : `${records.length} ${records.length === 1 ? "record" : "records"}${hasNextPage ? " so far" : ""}, newest first`}
        </p>
        <button
          type="button"
          className="button"
          disabled={isFetching}
          onClick={() => {
            refresh(keptForOperators.audit);
            refresh(keptForOperators.verification);
          }}
        >
          Refresh
        </button>
      </div>
      <ProblemNote error={error} />
      <ol className="records">
        {records.map((record) => (
          <li key={record.seq}>
            <AuditEntry record={record} />
          </li>
        ))}
      </ol>
      {data !== undefined && records.length === 0 && !hasNextPage && (
        <p className="nothing small">No record is like that.</p>
      )}
      {hasNextPage && !searchesOn && (
        <button
          type="button"
          className="button more"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          {records.length === 0 ? "Search further back" : "Show earlier ones"}
        </button>
      )}
    </section>
  );
}
