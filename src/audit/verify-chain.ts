import { type AuditRecord, MISFILED } from "../contract/audit.ts";
import type { AuditHead, ReadRecord } from "./audit-store.ts";
import { type AuditMac, canonicalRecord, createAuditMac } from "./chain.ts";
import { openContradictions } from "./contradictions.ts";

/** What can be wrong with a chain. */
export type ChainProblem =
  /** One record says something else than what was sealed. */
  | "edited"
  /** Records are gone from the middle or the beginning. */
  | "removed"
  /** Records stand in another order. */
  | "reordered"
  /** From here on nothing carries this key's seal. */
  | "resealed"
  /** Ends before a head that was exported. */
  | "truncated"
  /** Sealed with this key, but not the record that was exported at this place. */
  | "replaced"
  /** Sound, and filed under another task, so that a search by task does not find it. */
  | "misfiled"
  /** An exported head was contradicted earlier, and no operator has acknowledged it. */
  | "contradicted";

export type ChainVerdict =
  | {
      readonly ok: true;
      readonly records: number;
      readonly head: AuditHead;
      readonly chain: string;
    }
  | {
      readonly ok: false;
      /** The first bad record. */
      readonly seq: number;
      readonly problem: ChainProblem;
      /** A sentence for the operator. */
      readonly detail: string;
      /** Records before it that are sound. */
      readonly records: number;
    };

/** Records looked at behind a bad one, to say what was done to it. */
const LOOK_AHEAD = 100;

/**
 * Checks a whole chain as it streams by, and that each expected head (exported earlier, so an
 * ancestor of the newest) is part of it. Stops at the first bad record.
 */
export function verifyChain(
  records: AsyncIterable<ReadRecord>,
  auditKey: string,
  ...expected: readonly AuditHead[]
): Promise<ChainVerdict> {
  return verifyChainAfter({ seq: 0, mac: "" }, records, auditKey, ...expected);
}

/** Checks what follows a record that was found sound before; expected heads before that are not looked at. */
export async function verifyChainAfter(
  sound: AuditHead,
  records: AsyncIterable<ReadRecord>,
  auditKey: string,
  ...expected: readonly AuditHead[]
): Promise<ChainVerdict> {
  const mac = createAuditMac(auditKey, "record");
  const heads = new Map(
    expected.filter((head) => head.seq > sound.seq).map((head) => [head.seq, head.mac]),
  );
  const differing = findContradiction([sound, ...expected]);
  let last = sound;
  let chain = "";
  let open: readonly AuditRecord[] = [];
  const refuse = (seq: number, problem: ChainProblem, detail: string): ChainVerdict => ({
    ok: false,
    seq,
    problem,
    detail,
    records: last.seq,
  });
  if (differing !== undefined) {
    return refuse(differing, "replaced", `Two exported heads name different records ${differing}.`);
  }

  const stream = records[Symbol.asyncIterator]();
  try {
    for (let item = await stream.next(); item.done !== true; item = await stream.next()) {
      const record = item.value;
      const place = last.seq + 1;
      if (record.seq > place) {
        const gone =
          record.seq - place === 1
            ? `Record ${place} is`
            : `Records ${place} to ${record.seq - 1} are`;
        return refuse(place, "removed", `${gone} missing.`);
      }
      if (record.seq < place) {
        return refuse(
          place,
          "reordered",
          `Record ${record.seq} stands where record ${place} belongs.`,
        );
      }
      if (!holds(record, last, mac)) {
        const [problem, detail] = await explain(record, last, stream, mac);
        return refuse(place, problem, detail);
      }
      const exported = heads.get(record.seq);
      if (exported !== undefined && exported !== record.mac) {
        return refuse(place, "replaced", `Record ${place} is not the one whose seal was exported.`);
      }
      if (record[MISFILED] === true) {
        const detail = `Record ${place} is filed under another task than the one it is about, so that no search by task finds it.`;
        return refuse(place, "misfiled", detail);
      }
      open = openContradictions(open, record);
      if (place === 1) chain = record.prev;
      last = { seq: record.seq, mac: record.mac };
    }
  } finally {
    await stream.return?.();
  }
  const newest = Math.max(0, ...heads.keys());
  if (newest > last.seq) {
    const detail = `The log ends at record ${last.seq}, but record ${newest} was exported: the end is missing.`;
    return refuse(last.seq + 1, "truncated", detail);
  }
  const [contradicted] = open;
  if (contradicted !== undefined) {
    const why = String(contradicted.details?.detail);
    const detail = `${why} That was found at a start and stands in record ${contradicted.seq}; \`audit acknowledge\` says that you know of it.`;
    return refuse(contradicted.seq, "contradicted", detail);
  }
  return { ok: true, records: last.seq, head: last, chain };
}

function holds(record: AuditRecord, before: AuditHead, mac: AuditMac): boolean {
  const linked = before.seq === 0 || record.prev === before.mac;
  return linked && hasSeal(record, mac);
}

/** No constant time: whoever checks holds the key and the records. */
function hasSeal(record: AuditRecord, mac: AuditMac): boolean {
  try {
    return mac(canonicalRecord(record)) === record.mac;
  } catch {
    // Not a JSON value: certainly not what was sealed.
    return false;
  }
}

/** What was done to a bad record, as far as what follows tells. */
async function explain(
  bad: AuditRecord,
  before: AuditHead,
  stream: AsyncIterator<ReadRecord>,
  mac: AuditMac,
): Promise<[ChainProblem, string]> {
  const seq = bad.seq;
  const prev = before.seq === 0 ? bad.prev : before.mac;
  let followerHolds: boolean | undefined;
  for (let ahead = 0; ahead < LOOK_AHEAD; ahead++) {
    const item = await stream.next();
    if (item.done === true) break;
    const later = item.value;
    // It carries the seal of a record at this place: the two changed places.
    if (hasSeal({ ...later, seq, prev }, mac)) {
      return ["reordered", `Record ${seq} stands at place ${later.seq}.`];
    }
    followerHolds ??= later.prev === bad.mac && hasSeal(later, mac);
    if (followerHolds) {
      return [
        "edited",
        `Record ${seq} was changed after it was sealed; the records after it were not.`,
      ];
    }
  }
  if (followerHolds === undefined) {
    return ["edited", `Record ${seq}, the newest, was changed after it was sealed.`];
  }
  const detail =
    seq === 1
      ? "No record carries the seal of this AUDIT_KEY: another key was given, or the log was written anew."
      : `From record ${seq} on the log was rewritten, renumbered or sealed with another key.`;
  return ["resealed", detail];
}

/** The seq at which two expected heads differ. */
function findContradiction(expected: readonly AuditHead[]): number | undefined {
  return expected.find((head) =>
    expected.some((other) => other.seq === head.seq && other.mac !== head.mac),
  )?.seq;
}
