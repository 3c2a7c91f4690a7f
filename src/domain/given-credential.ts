import { openingFactor } from '../factors/settings.ts'
import type { FactorSettings } from './factor.ts'

/**
 * Where a factor gives what a session serves, and no vault holds it, there is one credential, and this is its id; every
 * kubeconfig user of that policy names it. No vault has an id of this form: theirs end in eight hex digits.
 */
export const givenCredential = (policy: string): string => `${policy}.given`

/** Does what the session serves come of the factor itself, and not of a vault that it opens? */
export const isGiven = (unlock: readonly FactorSettings[]): boolean =>
  openingFactor(unlock)?.factor !== 'passphrase'
