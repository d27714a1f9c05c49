/** A verified signature, by the bytes of its MAC: other base64 spellings are the same one. */
export interface SeenSignature {
  readonly keyId: string;
  /** The signed X-Timestamp, ms since the epoch. */
  readonly timestamp: number;
  /** 32 bytes. */
  readonly mac: Uint8Array;
  /** ms since the epoch; after it the timestamp is out of its window and the entry may go. */
  readonly forgetAt: number;
}

export interface Remembered {
  readonly fresh: boolean;
  /** Signatures of its minute were forgotten: whether it was seen before is not known any more. */
  readonly isForgotten?: true;
  readonly durable: Promise<void>;
}

export interface ReplayStore {
  /**
   * Records a signature once. `fresh` is false where it was seen before, also by a request that is
   * still under way, and where it may have been. `durable` resolves when the entry would survive a crash and must be awaited
   * before anything is answered; it rejects with `audit_unavailable` when it cannot be kept.
   */
  remember(signature: SeenSignature): Promise<Remembered>;
  /** Whether it stands on the disk; reads alone. */
  has(signature: SeenSignature): Promise<boolean>;
  /** Forgets entries whose window has been over for a minute. None of their minutes is fresh again. */
  prune(now: number): Promise<void>;
}
