import { stringify } from 'yaml'
import { defaultPolicy } from '../../domain/default-policies.ts'
import { formatDuration } from '../../domain/duration.ts'
import { renderCredential } from '../../domain/policy-credential.ts'
import { renderUnlock } from '../../domain/policy-unlock.ts'
import type { PolicySet } from '../../domain/policy.ts'
import { policyApiVersion } from '../../domain/validate-policies.ts'

const heading = `# kubeguard's rules: the first policy with a glob that matches the whole context name applies.
# idle: locked when nobody typed for so long; lifetime: locked in any case.
# kubeguard policy check tells whether this file is right.
`

/** Writes a policy file as `init` proposes it; read again it gives the same policies. */
export function renderPolicyFile(policies: PolicySet): string {
  const list = policies.map(
    ({
      name,
      contexts,
      idleMs,
      lifetimeMs,
      warnMs,
      notify,
      escape,
      scope,
      live,
      suspendForMs,
      holders,
      hold,
      finishMs,
      absorb,
      env,
      wipe,
      onLock,
      lockOutAfter,
      lockOutForMs,
      onMisuse,
      pinentry,
      materialize,
      access,
      deny,
      impersonate,
      unlock,
      lockOn,
      ephemeral,
    }) => ({
      name,
      contexts: [...contexts],
      idle: formatDuration(idleMs),
      lifetime: formatDuration(lifetimeMs),
      warn: formatDuration(warnMs),
      ...(notify === 'off' ? { notify } : {}),
      ...(escape === '~' ? {} : { escape }),
      ...(scope === 'terminal' ? { scope } : {}),
      live,
      ...(suspendForMs === defaultPolicy.suspendForMs ? {} : { suspendFor: formatDuration(suspendForMs) }),
      holders,
      ...(lockOn.join() === defaultPolicy.lockOn.join() ? {} : { lockOn: [...lockOn] }),
      ...(hold === 'never' ? { hold } : {}),
      ...(absorb === 'auto' ? {} : { absorb }),
      ...(env.length === 0 ? {} : { env: [...env] }),
      ...(wipe.length === 0 ? {} : { wipe: [...wipe] }),
      ...(materialize ? { materialize } : {}),
      ...(access === 'gateway' ? { access } : {}),
      ...(deny.length === 0 ? {} : { deny: [...deny] }),
      ...(impersonate === 'allow' ? { impersonate } : {}),
      ...(onLock.length === 0 ? {} : { onLock: [...onLock] }),
      ...renderUnlock(unlock),
      ...renderCredential(ephemeral),
      ...(lockOutAfter === defaultPolicy.lockOutAfter ? {} : { lockOutAfter }),
      ...(lockOutForMs === defaultPolicy.lockOutForMs ? {} : { lockOutFor: formatDuration(lockOutForMs) }),
      ...(onMisuse.length === 0 ? {} : { onMisuse: [...onMisuse] }),
      ...(pinentry === '' ? {} : { pinentry }),
      ...(finishMs === 0 ? {} : { finish: formatDuration(finishMs) }),
    }),
  )
  return heading + stringify({ apiVersion: policyApiVersion, policies: list }, { lineWidth: 0 })
}
