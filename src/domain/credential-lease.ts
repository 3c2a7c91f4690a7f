/**
 * How long a credential is good for at a client before it must ask again (ExecCredential's expirationTimestamp), in
 * ms: what the keeper hands out, and what the daemon tells of a client that is left to expire. Short, so that a lock
 * reaches clients; longer than kube-rs' 60 s of slack.
 */
export const credentialLeaseMs = 2 * 60_000
