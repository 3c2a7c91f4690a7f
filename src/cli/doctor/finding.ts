/** What doctor can find. Scripts name these: an id is never reused. */
export type FindingId =
  | 'not-set-up'
  | 'place-unsafe'
  | 'open-to-others'
  | 'no-native'
  | 'link-broken'
  | 'no-kubectl'
  | 'kubectl-dispatcher'
  | 'tool-missing'
  | 'shim-not-first'
  | 'shell-fails'
  | 'hook-missing'
  | 'plugin-forbidden'
  | 'static-credential'
  | 'materialised'
  | 'daemon'
  | 'daemon-version'
  | 'policy'
  | 'pinentry'
  | 'clock'
  | 'swap'
  | 'departures'
  | 'ptrace'
  | 'core-dumps'
  | 'no-service'
  | 'service'

/** Something that doctor found. With a `problem` the wall has a hole, or something does not work; a `note` is advice. */
export interface Finding {
  readonly id: FindingId
  readonly level: 'problem' | 'note'
  readonly message: string
  readonly cure: string
}

export const problem = (id: FindingId, message: string, cure: string): Finding => ({
  id,
  level: 'problem',
  message,
  cure,
})

export const note = (id: FindingId, message: string, cure: string): Finding => ({
  id,
  level: 'note',
  message,
  cure,
})
