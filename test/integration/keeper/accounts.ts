import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { Account } from '../../fixtures/run-program.ts'

const idOf = (flag: string, name: string): number =>
  Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))

/** An unprivileged account that goes with the test. Only root can make one. */
export function makeAccount(): Account {
  const name = `kg-${randomBytes(4).toString('hex')}`
  execFileSync('useradd', ['--no-create-home', '--shell', '/usr/sbin/nologin', name])
  onTestFinished(() => void execFileSync('userdel', [name]))
  return { uid: idOf('-u', name), gid: idOf('-g', name) }
}

/** Root reads everything, so what is tried here must be tried by others. */
export function unprivilegedAccounts(): { own: Account | undefined; other: Account | undefined } {
  if (process.getuid?.() !== 0) return { own: undefined, other: undefined }
  return { own: makeAccount(), other: makeAccount() }
}
