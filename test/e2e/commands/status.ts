import { join } from 'node:path'
import type { SessionStatus, StatusReport } from '../../../src/protocol/reports.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { repository } from '../../fixtures/terminal.ts'

/** The command as a person types it. */
export const kubeguard = join(repository, 'bin', 'kubeguard')

/** `kubeguard status --json`, whatever its exit code. */
export async function statusOf(home: TestHome): Promise<StatusReport> {
  return JSON.parse((await home.kubeguard(['status', '--json'])).stdout) as StatusReport
}

/** @throws Error where there is no such policy. */
export async function sessionOf(home: TestHome, policy: string): Promise<SessionStatus> {
  const { sessions } = await statusOf(home)
  const found = sessions.find((session) => session.policy === policy)
  if (found === undefined) throw new Error(`no session of ${policy}`)
  return found
}
