/** Why a session was locked. */
export type LockReason =
  | 'idle'
  | 'lifetime'
  | 'manual'
  | 'suspend'
  | 'screen-lock'
  | 'logout'
  | 'misuse'
  | 'policy-changed'
  | 'daemon-stopped'
  | 'keeper-lost'

/** What the journal records. The union is closed: a new event is added here first. */
export type JournalEvent =
  | 'daemon-started'
  | 'daemon-stopped'
  | 'unlocked'
  | 'unlock-failed'
  | 'locked'
  | 'lock-incomplete'
  | 'refused'
  | 'credential-issued'
  | 'adopted'
  | 'ejected'
  | 'passphrase-changed'
  | 'policy-changed'
  | 'policy-invalid'
