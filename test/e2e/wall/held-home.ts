import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SessionStatus, StatusReport } from '../../../src/protocol/reports.ts'
import { makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import type { Person } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'

/** An adopted playground under a policy with limits of seconds. */
export async function guardedHome(rules: Parameters<typeof writePolicy>[1]): Promise<TestHome> {
  const home = makeHome()
  writePolicy(home, rules)
  await home.startPlayground()
  await home.init()
  return home
}

export async function sessionOf(home: TestHome, policy = 'default'): Promise<SessionStatus> {
  const { stdout } = await home.kubeguard(['status', '--json'])
  const report = JSON.parse(stdout) as StatusReport
  const found = report.sessions.find((session) => session.policy === policy)
  if (found === undefined) throw new Error(`no session ${policy}`)
  return found
}

/** Input times move in steps of 8 s, and an idle limit of seconds comes on top. */
export const reaches = (
  home: TestHome,
  state: SessionStatus['state'],
  withinMs = 40_000,
): Promise<SessionStatus> =>
  until(
    `the state ${state}`,
    async () => {
      const session = await sessionOf(home)
      return session.state === state && session
    },
    { withinMs },
  )

/** Types a line that needs a person's word, and presses Enter where that is asked for. */
export async function enterAsPerson(person: Person, line: string, shown: RegExp): Promise<string> {
  const from = person.output.length
  person.type(`${line}\r`)
  const first = await person.showsAfter(from, new RegExp(`press Enter|${shown.source}`))
  if (!first.includes('press Enter') || shown.test(first)) return first
  person.type('\r')
  return person.showsAfter(from, shown)
}

/** A script that asks the cluster again and again, and notes in a file what came of it. */
export function askingJob(home: TestHome, name: string): { path: string; log: () => string } {
  const path = join(home.home, name)
  const log = join(home.home, `${name}.log`)
  const text = `#!/bin/sh
while :; do
  if kubectl get pods >/dev/null 2>&1; then echo served; else echo refused; fi >>${log}
  sleep 0.3
done
`
  writeFileSync(path, text, { mode: 0o755 })
  return { path, log: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') }
}

/** The last answer that the job got after this moment. */
export async function nextAnswer(log: () => string): Promise<string> {
  const before = log().length
  // Two more: the first may have been on its way already.
  return until('two answers', () => log().slice(before).trim().split('\n').slice(1).at(-1))
}
