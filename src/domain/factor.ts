import type { ForeignLogIn, KnownLogIn } from './foreign-log-in.ts'
import type { Report } from './policy-document.ts'

/** What a policy says of one factor, complete. Plain JSON without secrets: the keeper is told of it in its order. */
export interface FactorSettings {
  /** The factor's name, as `unlock: [NAME]` has it. */
  readonly factor: string
}

/** What one person is asked for, and what the others wait for. */
export interface FactorWords {
  /** can’t … here */
  readonly ask: string
  /** prod is locked: …, with the terminal behind it */
  readonly waiting: string
  /** prod is locked, and … */
  readonly unanswered: string
}

/**
 * A way to prove who one is, as far as the policy file goes. Its other two halves are a KeeperFactor (src/keeper/factor.ts)
 * and, where the keeper has to ask more than a passphrase, a ClientFactor (src/client/factor.ts).
 */
export interface FactorRules {
  readonly name: string
  /** `opens`: what a session serves comes of it, and a policy has one; `beside`: one more check. */
  readonly role: 'opens' | 'beside'
  /** The key of a policy that has its settings; absent where there is nothing to be set. */
  readonly key?: string
  /** For one that opens: what is said to who meets the lock. */
  readonly words?: FactorWords
  /**
   * Reads what stands at that key; `raw` is undefined where it is not there. Every mistake is reported, at a path that
   * begins with the key: then what is returned is not used.
   */
  read(raw: unknown, report: Report): FactorSettings
  /** @returns what this factor would do in its place; undefined for a log-in of another kind */
  knows?(logIn: ForeignLogIn): KnownLogIn | undefined
  /** Is what it knows the very log-in that these settings are for? */
  isSame?(settings: FactorSettings, known: KnownLogIn): boolean
  /** In words, for `policy show`: its name, and what tells one setting from another. */
  describe(settings: FactorSettings): string
}
