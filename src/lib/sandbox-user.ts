/** Who embedded actions run as where the gateway is root: user and group of this number. */
export const SANDBOX_ID = 10_001;
