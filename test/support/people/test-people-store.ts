import type { AuditDraft } from "../../../src/contract/audit.ts";
import type {
  PeopleChange,
  PeopleState,
  PeopleStore,
  RecordKind,
} from "../../../src/people/people-store.ts";

/** A store in memory, for tests. */
export class MemoryPeopleStore implements PeopleStore {
  readonly records = new Map<string, Map<string, object>>();
  readonly audit: AuditDraft[] = [];

  async load(): Promise<PeopleState> {
    const of = (kind: RecordKind) => [...(this.records.get(kind)?.values() ?? [])] as never[];
    return {
      person: of("person"),
      passkey: of("passkey"),
      link: of("link"),
      session: of("session"),
    };
  }

  async apply(changes: readonly PeopleChange[], audit: readonly AuditDraft[]): Promise<void> {
    for (const change of changes) {
      const kind = "put" in change ? change.put : change.drop;
      const map = this.records.get(kind) ?? new Map<string, object>();
      this.records.set(kind, map);
      if ("put" in change) map.set(change.record.id, change.record);
      else map.delete(change.id);
    }
    this.audit.push(...audit);
  }
}
