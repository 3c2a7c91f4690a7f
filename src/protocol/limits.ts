/** Everything that can grow has a limit. Times in milliseconds, sizes in bytes. */
export const limits = {
  /** Largest frame. Linux's usual ARG_MAX is 2 MiB for argv and environment together (execve(2)). */
  frameBytes: 4 * 1024 * 1024,
  /** Longest single argument: MAX_ARG_STRLEN (execve(2)). */
  argumentBytes: 128 * 1024,
  jsonBytes: 2 * 1024 * 1024,
  passphraseBytes: 1024,
  /** What a factor asks a client, or hears of it: an address, a signature. */
  answerBytes: 64 * 1024,
  /** Fields in one message; 64 K arguments are past what any shell passes. */
  fieldsPerMessage: 65_536,
  /** A client that has begun a frame must finish it within this time. */
  frameTimeoutMs: 5_000,
  /** A client that says nothing is let go after this time. */
  idleConnectionMs: 30_000,
  /** A client that has sent its request waits no longer than this for the whole answer. */
  replyTimeoutMs: 10_000,
  connections: 512,
} as const
