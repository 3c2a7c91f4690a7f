/** One process of an ancestry, nearest first. */
export interface Ancestor {
  readonly pid: number
  readonly startTicks: number
  /** Base name of the executable, or of argv[0] where that can't be read. */
  readonly program: string
  readonly hasTerminal: boolean
}

export type HolderVerdict =
  | { readonly holder: Ancestor }
  | { readonly refused: 'other-pid-namespace' | 'orphaned' | 'gone' | 'no-client' }
