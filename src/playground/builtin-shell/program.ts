/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** What a terminal can do for a program; there is none unless the client asked for a tty. */
export interface Terminal {
  readonly size: TerminalSize
  /** Raw: each key reaches the program as it comes, without echo. Line: echo, editing, Ctrl-C and Ctrl-D. */
  setMode(mode: 'line' | 'raw'): void
  /** @returns the call that ends the subscription. */
  onResize(listener: () => void): () => void
}

/** A pod's files by absolute path, in memory. */
export interface Files {
  get(path: string): Buffer | undefined
  paths(): readonly string[]
  /** @returns false where there is no room. */
  put(path: string, bytes: Buffer): boolean
}

/** All that a program in a pod can reach. There is no way from here to the machine that runs the playground. */
export interface ProgramWorld {
  readonly podName: string
  readonly environment: Readonly<Record<string, string>>
  readonly files: Files
  readonly terminal: Terminal | undefined
  /** Ends the program: the client is gone, or someone pressed Ctrl-C while it was in the foreground. */
  readonly signal: AbortSignal
  /** Runs something that Ctrl-C ends, by the signal that it is given. */
  foreground(run: (signal: AbortSignal) => Promise<number>): Promise<number>
  /** @returns the next bytes typed or piped in, or undefined at the end, or once `signal` says not to wait. */
  read(signal?: AbortSignal): Promise<Buffer | undefined>
  /** Resolves when the client has room for more. */
  write(bytes: Buffer | string): Promise<void>
  writeError(bytes: Buffer | string): Promise<void>
}

/** @returns the exit code. */
export type Program = (args: readonly string[], world: ProgramWorld) => Promise<number>
