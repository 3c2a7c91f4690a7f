/** Something that doctor found. A `problem` weakens or breaks what kubeguard is for; a `note` does not. */
export interface Finding {
  readonly level: 'problem' | 'note'
  readonly message: string
  readonly cure: string
}

export const problem = (message: string, cure: string): Finding => ({ level: 'problem', message, cure })

export const note = (message: string, cure: string): Finding => ({ level: 'note', message, cure })
