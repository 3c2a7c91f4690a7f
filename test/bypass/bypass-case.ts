import type { Siege } from './siege.ts'

/** One way around a lock. `attempt` tells whether it got in; it throws when it could not be tried. */
export interface BypassCase {
  /** As it stands in docs/security.md. */
  readonly name: string
  /**
   * - `works`: the same act succeeds while unlocked, so that a failure means the lock held;
   * - `never`: it must fail while unlocked as well;
   * - `own`: the attempt shows the unlocked half itself.
   */
  readonly whileUnlocked: 'works' | 'never' | 'own'
  readonly attempt: (siege: Siege) => Promise<boolean>
}
