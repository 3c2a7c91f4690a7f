import { realpathSync } from 'node:fs'
import { givenCredential } from '../domain/given-credential.ts'
import type { GiveBackJob } from '../platform/scribes/job.ts'
import type { EjectReport } from '../protocol/reports.ts'
import { forgetReplaced, replacedLogIns } from './replaced-log-ins.ts'
import type { ReplacedLogIn } from './replaced-log-ins.ts'
import { restoreAll } from './restore.ts'

/**
 * Job `give-back`: puts users back as they were before a policy's factor did their log-in. No vault has anything of it, so
 * nobody is asked for a passphrase; what could not be put back stays noted.
 *
 * @throws GuardError vault-damaged, and what restoring throws
 */
export async function giveBack({ paths, users, to, dryRun }: GiveBackJob): Promise<EjectReport> {
  const files = new Set(paths.flatMap((path) => [path, realPath(path)]))
  const chosen = replacedLogIns().filter(
    ({ file, user, original }) =>
      (files.size === 0 || files.has(file)) &&
      (users.length === 0 || users.includes(user) || users.includes(original.split?.base ?? user)),
  )
  if (dryRun || chosen.length === 0) return { ejected: chosen.map(nameOf), failed: [] }
  const results = await restoreAll(chosen.map(restorationOf), { paths, ...(to !== undefined && { to }) })
  const isBack = (_: unknown, index: number): boolean => results[index]?.ok === true
  await forgetReplaced(chosen.filter(isBack))
  return {
    ejected: results.flatMap((result, index) =>
      result.ok ? [{ user: result.user, file: result.file, policy: chosen[index]?.policy ?? '' }] : [],
    ),
    failed: results.flatMap((result) =>
      result.ok ? [] : [{ user: result.user, file: result.file, message: result.message, cure: result.cure }],
    ),
  }
}

const nameOf = ({ user, file, policy }: ReplacedLogIn) => ({ user, file, policy })

function restorationOf({ original, ...replaced }: ReplacedLogIn): Parameters<typeof restoreAll>[0][number] {
  return {
    item: { id: givenCredential(replaced.policy), ...replaced, original, adoptedAtMs: 0 },
    original,
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
