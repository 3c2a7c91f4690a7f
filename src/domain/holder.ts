import { isSubreaper, isSessionKeeper, isShell, isWrapper } from './programs.ts'

/** One process of an ancestry, nearest first. */
export interface Ancestor {
  readonly pid: number
  readonly startTicks: number
  /** Base name of the executable, or of argv[0] where that can't be read. */
  readonly program: string
  readonly hasTerminal: boolean
  /** A shell that reads commands from a terminal; absent where nothing is known of that. */
  readonly interactiveShell?: boolean
}

export type HolderVerdict =
  | { readonly holder: Ancestor }
  | { readonly refused: 'other-pid-namespace' | 'orphaned' | 'gone' | 'no-client' }

/**
 * Which client will hold the credential that a plugin asks for: its nearest ancestor that is no
 * shell, `env` or other known wrapper. The ancestry begins with the plugin itself, and is read as far as needed. Refused are a
 * plugin of another pid namespace (pid 0), one that is gone, one whose parent is pid 1 or takes in
 * orphans, and one called without a client, such as by hand from a log-in shell.
 */
export function findHolder(ancestry: Iterable<Ancestor>): HolderVerdict {
  let plugin: Ancestor | undefined
  for (const parent of ancestry) {
    if (parent.pid === 0) return { refused: 'other-pid-namespace' }
    if (plugin === undefined) {
      plugin = parent
      continue
    }
    if (parent.pid === 1 || isSubreaper(parent.program)) return { refused: 'orphaned' }
    if (parent.interactiveShell || isSessionKeeper(parent.program)) return { refused: 'no-client' }
    if (!isShell(parent.program) && !isWrapper(parent.program)) return { holder: parent }
  }
  return { refused: plugin === undefined ? 'gone' : 'no-client' }
}
