import { GuardError } from '../domain/errors.ts'
import { whyNoGateway } from '../domain/policy-conflicts.ts'
import { chooseRole } from '../domain/policy-credential.ts'
import type { Limits } from '../domain/session.ts'
import type { GuardedSession, OpenedAs } from './guarded-session.ts'
import type { EphemeralOrder } from './ports.ts'
import type { SessionTable } from './session-table.ts'

/**
 * The role that a session is to be opened with (`credential: ephemeral`); undefined where it serves what the vault holds.
 * @throws GuardError role-not-offered
 */
export function chosenRole(
  table: Pick<SessionTable, 'rules'>,
  { policy }: Pick<GuardedSession, 'policy'>,
  asked: string | undefined,
): OpenedAs | undefined {
  const { ephemeral: rules } = table.rules(policy)
  const chosen = chooseRole(policy, rules, asked)
  return rules === undefined || chosen === undefined ? undefined : { role: chosen.role, rules }
}

/**
 * Each is the stricter one, so none gives way where a user’s file and an organisation’s say one each.
 * @throws GuardError policy-invalid where nothing could serve what the rules ask for
 */
export function refuseUnserved(
  table: Pick<SessionTable, 'rules'>,
  { policy }: Pick<GuardedSession, 'policy'>,
): void {
  const why = whyNoGateway(table.rules(policy))
  if (why === undefined) return
  throw new GuardError('policy-invalid', `${policy} has access: gateway, ${why}`, {
    cure: 'one of them is to go, from your own file: an organisation’s stays; which says what: kubeguard policy show',
  })
}

/** What a keeper is told of it. */
export const ephemeralOrder = (
  { role, rules: { namespaces, home } }: OpenedAs,
  { lifetimeMs }: Limits,
): EphemeralOrder => ({ role, namespaces, home, lifetimeMs })

/** Another role is another identity: it takes another unlock. @throws GuardError role-not-offered */
export function refuseOtherRole(
  { policy, openedAs }: Pick<GuardedSession, 'policy' | 'openedAs'>,
  asked: string | undefined,
): void {
  if (asked === undefined || asked === openedAs?.role) return
  const as = openedAs === undefined ? 'without a role' : `as ${openedAs.role}`
  throw new GuardError('role-not-offered', `${policy} is unlocked ${as}`, {
    cure: `run: kubeguard lock ${policy}, then: kubeguard unlock ${policy} --role ${asked}`,
  })
}

/** More rights for a shorter time, where the policy says so. @throws GuardError role-not-offered */
export function limitsOfRole(
  table: Pick<SessionTable, 'rules' | 'limits'>,
  policy: string,
  asked: string | undefined,
): Limits {
  const { idleMs, lifetimeMs } = table.limits(policy)
  const { forMs = Infinity } = chooseRole(policy, table.rules(policy).ephemeral, asked) ?? {}
  return { idleMs: Math.min(idleMs, forMs), lifetimeMs: Math.min(lifetimeMs, forMs) }
}
