import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultPolicies } from '../domain/policy.ts'
import { GuardError } from '../domain/errors.ts'
import { unifiedDiff } from '../domain/line-diff.ts'
import { dirs, places } from '../platform/dirs.ts'
import { ensurePlace } from '../platform/safe-place.ts'
import type { FoundLogIn } from '../protocol/reports.ts'
import { logInPolicies, whyNotTaken } from './log-in-policies.ts'
import type { LogInPolicy } from './log-in-policies.ts'
import { diffLines, say } from './output.ts'
import { readPolicies } from './read-policies.ts'
import { removeFile, replaceFile, whyNotWritable } from './replace-file.ts'

/** What is to be written into the policy file. */
interface Proposal {
  readonly path: string
  /** Undefined where there is no file. */
  readonly before: string | undefined
  readonly after: string
  readonly policies: readonly LogInPolicy[]
}

/**
 * Offers to do the log-ins that other programs do: policies for them are added to the user's file, and `adopt` then finds
 * them there. Nothing else of the file changes.
 *
 * @param ask undefined: only show it
 * @returns whether that was wanted, and is done
 * @throws GuardError policy-invalid where the file can't be written, or does not take effect; it is as before then
 */
export async function takeLogInsOver(
  found: readonly FoundLogIn[],
  ask: ((question: string) => Promise<boolean>) | undefined,
): Promise<boolean> {
  if (found.length === 0) return false
  const proposal = await proposalFor(found)
  if (proposal.policies.length === 0) return false
  showProposal(proposal)
  if (ask === undefined) {
    say('this is shown only: without --dry-run it is asked')
    return false
  }
  const programs = [
    ...new Set(proposal.policies.flatMap(({ logIns }) => logIns.map(({ program }) => program))),
  ]
  if (!(await ask(`log in there by kubeguard, in the place of ${programs.join(', ')}?`))) return false
  await write(proposal)
  return true
}

async function proposalFor(found: readonly FoundLogIn[]): Promise<Proposal> {
  const { addPolicies, rawPolicy } = await import('../platform/policy-file/add-policies.ts')
  const { renderPolicyFile } = await import('../platform/policy-file/render-policy-file.ts')
  const path = places.config(dirs())
  const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  const text = before ?? renderPolicyFile(defaultPolicies())
  const { policies } = await readPolicies()
  const world = {
    policies,
    said: (name: string) => rawPolicy(text, name),
    folderOf: (policy: string) => join(places.providers(dirs()), policy),
  }
  const possible = found.filter((logIn) => {
    const why = whyNotTaken(logIn, world, process.env)
    if (why !== undefined)
      say(`the log-in of ${logIn.user} (${logIn.program}, ${logIn.file}) can’t be taken over: ${why}`)
    return why === undefined
  })
  const added = logInPolicies(possible, world)
  return { path, before, after: addPolicies(text, path, added), policies: added }
}

function showProposal({ path, before = '', after, policies }: Proposal): void {
  for (const { logIns, policy } of policies)
    for (const { user, file, program, settings, changes } of logIns)
      say(
        `${user} (${file}): ${program} logs in at ${String(settings['issuer'])}; policy ${policy.name} can do that, with nothing at rest`,
        ...changes,
      )
  process.stderr.write(`${diffLines(unifiedDiff(path, before, after), process.stderr).join('\n')}\n`)
}

async function write({ path, before, after, policies }: Proposal): Promise<void> {
  await assertRight(after, path)
  const now = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  const why = now === before ? whyNotWritable(path) : 'was changed meanwhile'
  if (why !== undefined)
    throw new GuardError('policy-invalid', `${path} ${why}: nothing was changed`, {
      cure: 'write the policies there as they are shown, then run: kubeguard adopt',
    })
  for (const { authorities } of policies) if (authorities !== undefined) writeAuthorities(authorities)
  replaceFile(path, Buffer.from(after).toString('latin1'), 0o600)
  try {
    await daemonGoesBy(policies)
  } catch (error) {
    if (before === undefined) removeFile(path)
    else replaceFile(path, Buffer.from(before).toString('latin1'))
    throw error
  }
}

/** What a plugin was told may be more than a policy may say. */
async function assertRight(text: string, path: string): Promise<void> {
  const { parsePolicyFile } = await import('../platform/policy-file/parse-policy-file.ts')
  const wrong = parsePolicyFile(text, path).problems.find(({ severity }) => severity === 'error')
  if (wrong === undefined) return
  throw new GuardError('policy-invalid', `the log-in can’t be taken over as it is: ${wrong.message}`, {
    cure: `${wrong.cure}; or keep the plugin: kubeguard adopt --keep-plugins`,
  })
}

function writeAuthorities({ file, base64 }: NonNullable<LogInPolicy['authorities']>): void {
  const pem = Buffer.from(base64, 'base64').toString('latin1')
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw new GuardError(
      'kubeconfig-invalid',
      'the certificate authority of the provider is no PEM in base64',
    )
  for (const folder of [dirname(dirname(file)), dirname(file)]) ensurePlace(folder, 'private', 0o700)
  replaceFile(file, pem, 0o600)
}

const noticeWithinMs = 5_000
const lookEveryMs = 20

/** What is adopted next must fall under the new rules. */
async function daemonGoesBy(policies: readonly LogInPolicy[]): Promise<void> {
  const endsAt = performance.now() + noticeWithinMs
  for (const { policy, contexts } of policies)
    for (const context of contexts)
      for (;;) {
        const { explained } = await readPolicies(context)
        if (explained?.policy === policy.name) break
        if (performance.now() > endsAt)
          throw new GuardError(
            'policy-invalid',
            `context ${context} stays under policy ${explained?.policy ?? 'none'}: the policy file is as it was`,
            { cure: `see why: kubeguard policy explain ${context}` },
          )
        await sleep(lookEveryMs)
      }
}
