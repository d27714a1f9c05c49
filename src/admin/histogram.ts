/**
 * Durations by buckets that grow by a tenth: small to keep, added together at will, and quantiles that
 * are off by 5 % at most. By the bucket's number; what is empty is absent.
 */
export type Histogram = Record<string, number>;

const MIN_S = 0.1;
const GROWTH = 1.1;

export function addDuration(histogram: Histogram, seconds: number): void {
  const bucket =
    seconds <= MIN_S ? 0 : 1 + Math.floor(Math.log(seconds / MIN_S) / Math.log(GROWTH));
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

export function addHistogram(to: Histogram, from: Histogram): void {
  for (const [bucket, count] of Object.entries(from)) to[bucket] = (to[bucket] ?? 0) + count;
}

export function countOf(histogram: Histogram): number {
  return Object.values(histogram).reduce((sum, count) => sum + count, 0);
}

/** Seconds that this share of all took at most, to one decimal; undefined where there are none. */
export function quantile(histogram: Histogram, share: number): number | undefined {
  const buckets = Object.keys(histogram)
    .map(Number)
    .sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * countOf(histogram)));
  let seen = 0;
  for (const bucket of buckets) {
    seen += histogram[bucket] ?? 0;
    if (seen >= rank) return Math.round(middleOf(bucket) * 10) / 10;
  }
  return undefined;
}

function middleOf(bucket: number): number {
  return bucket === 0 ? MIN_S : MIN_S * GROWTH ** (bucket - 0.5);
}
