/** Fewer characters than this are guessed sooner or later. */
const MIN_LENGTH = 16;

/** Values that stand in examples and templates, and so are known to everybody. */
const SAMPLES = [/^your[-_ ]/i, /change[-_ ]?(me|this)/i, /^<.*>$/, /^\$\{?\w+\}?$/, /^(.)\1*$/];

/** Why a secret is refused off loopback, or undefined. Says nothing of the secret itself. */
export function weaknessOf(secret: string): string | undefined {
  return (
    sampleOf(secret) ??
    (secret.length < MIN_LENGTH ? `is shorter than ${MIN_LENGTH} characters` : undefined)
  );
}

/** For a secret whose length somebody else decides. */
export function sampleOf(secret: string): string | undefined {
  return SAMPLES.some((sample) => sample.test(secret)) ? "is a sample, not a secret" : undefined;
}

export const STRENGTH_HINT =
  "Make one with `openssl rand -base64 32`. Weak secrets pass only while HOST is loopback.";
