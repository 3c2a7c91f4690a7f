import { randomBytes } from 'node:crypto'
import { linkSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import { looksLikeProduction, proposedPolicies } from '../domain/policy.ts'
import type { Policy } from '../domain/policy.ts'
import { requestAdoption } from './adoption.ts'
import { clean } from './clean-text.ts'
import { formatDuration } from './duration.ts'
import { readPolicies } from './read-policies.ts'

export interface PolicyProposal {
  /** One line for each policy. */
  readonly summary: readonly string[]
  /** Writes the file, and returns when the daemon goes by it. */
  write(path: string): Promise<void>
}

/** The strict rules for contexts that look like production, the usual ones for the rest. */
export async function proposePolicyFile(kubeconfigs: readonly string[]): Promise<PolicyProposal> {
  const contexts = kubeconfigs.length === 0 ? [] : await contextsOf(kubeconfigs)
  const policies = proposedPolicies(contexts.filter(looksLikeProduction))
  return { summary: policies.map(summaryOf), write: (path) => writePolicies(policies, path) }
}

async function contextsOf(kubeconfigs: readonly string[]): Promise<string[]> {
  const { adopted, left } = await requestAdoption(kubeconfigs, [], true)
  return [...new Set([...adopted, ...left].flatMap((user) => user.contexts))]
}

function summaryOf({ name, contexts, idleMs, lifetimeMs }: Policy): string {
  const limits = `locks after ${formatDuration(idleMs)} idle, after ${formatDuration(lifetimeMs)} in any case`
  return `${name}: ${limits}: ${contexts.map(clean).join(' ')}`
}

async function writePolicies(policies: readonly Policy[], path: string): Promise<void> {
  const { renderPolicyFile } = await import('../platform/policy-file/render-policy-file.ts')
  const next = `${path}.${randomBytes(4).toString('hex')}`
  writeFileSync(next, renderPolicyFile(policies), { mode: 0o600, flag: 'wx' })
  try {
    // link(2) never writes over a file that appeared meanwhile.
    linkSync(next, path)
  } finally {
    rmSync(next)
  }
  await daemonGoesBy(policies)
}

const noticeWithinMs = 5_000
const lookEveryMs = 20

/** The daemon watches the file: what is adopted next must fall under the new rules. */
async function daemonGoesBy(policies: readonly Policy[]): Promise<void> {
  const wanted = policies.map(({ name }) => name).join()
  const endsAt = performance.now() + noticeWithinMs
  for (;;) {
    const inForce = (await readPolicies()).policies.map(({ name }) => name).join()
    if (inForce === wanted) return
    if (performance.now() > endsAt)
      throw new GuardError('policy-invalid', `the daemon goes by ${inForce}, not by the file just written`)
    await sleep(lookEveryMs)
  }
}
