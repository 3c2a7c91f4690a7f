/**
 * What a kubectl command line does, as far as a time limit cares:
 * - `local`: needs no server; - `unary`: asks and ends; - `live`: streams until ended;
 * - `interactive`: streams a terminal; - `plugin`: an unknown verb, run by kubectl from PATH.
 */
export type VerbClass = 'local' | 'unary' | 'live' | 'interactive' | 'plugin'

export interface Command {
  readonly verb: string | undefined
  readonly verbClass: VerbClass
  /** `__complete` and `__completeNoDesc`: run on every TAB, must never ask. */
  readonly completion: boolean
  /** The flags that change which credential is really used; undefined where not given. */
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly user: string | undefined
  readonly cluster: string | undefined
  readonly server: string | undefined
  readonly token: boolean
  readonly namespace: string | undefined
}

/** Classifies argv, the program name first. */
export function classify(_argv: readonly string[]): Command {
  throw new Error('replaced below')
}
