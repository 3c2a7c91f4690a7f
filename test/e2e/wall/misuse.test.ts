import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import type { StatusReport } from '../../../src/protocol/reports.ts'
import { listenAt } from '../../fixtures/datagram-ear.ts'
import { guardedHome } from '../../fixtures/held-home.ts'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'

const guess = (home: TestHome, given = 'not this one') =>
  home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], { fd3: given })

/** After the delay that the ones before it brought. */
async function guessOnce(home: TestHome): Promise<void> {
  const tried = async (): Promise<boolean> => {
    const { code, stderr } = await guess(home)
    if (code !== 77) throw new Error(`exit code ${code}: ${stderr}`)
    return !stderr.includes('the next try is possible')
  }
  await until('a try', tried, { withinMs: 60_000 })
}

async function statusOf(home: TestHome): Promise<StatusReport> {
  return JSON.parse((await home.kubeguard(['status', '--json'])).stdout) as StatusReport
}

async function journalled(home: TestHome, event: string): Promise<Record<string, unknown>[]> {
  const { stdout } = good(await home.kubeguard(['log', '--event', event, '--json']))
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { details: Record<string, unknown> }).details)
}

const onMisuse = 'echo "$KUBEGUARD_MISUSE|$KUBEGUARD_POLICY|$KUBEGUARD_MESSAGE" >>misuse; env >environment'
const noted = ({ home }: TestHome): string[] => {
  const path = join(home, 'misuse')
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
}

test('a run of wrong passphrases, then a lock-out: told everywhere, over a restart, and after the next success', async () => {
  await using home = makeHome()
  home.env['KUBEGUARD_SYSLOG'] = join(home.root, 'log')
  const heard = await listenAt(join(home.root, 'log'))
  writePolicy(home, {
    idle: '10m',
    more: `    lockOutAfter: 4\n    lockOutFor: 30s\n    onMisuse: [${JSON.stringify(onMisuse)}]\n`,
  })
  await home.startPlayground()
  await home.init()
  for (let count = 0; count < 3; count += 1) await guessOnce(home)
  await until('word of the run', () => heard().length === 1)
  expect(heard()[0]).toMatch(
    /^<84>.* kubeguard\[\d+\]: misuse failed-unlocks policy="default" count="3" on="[^"]+" journal-head=[0-9a-f]{64}$/,
  )
  await until('the command', () => noted(home).length === 1)
  expect(noted(home)[0]).toMatch(/^failed-unlocks\|default\|3 wrong passphrases in a row, the last on /)
  await guessOnce(home)
  await until('word of the lock-out', () => heard().length === 2)
  expect(heard()[1]).toContain('misuse locked-out')
  good(await home.kubeguard(['daemon', 'restart']))
  const right = await guess(home, passphrase)
  expect(right.code).toBe(77)
  expect(right.stderr).toMatch(
    /^kubeguard: 4 wrong passphrases in a row, the last on .+: nothing is asked for \d+s\nwait, then run: kubeguard unlock/,
  )
  const { misuse } = await statusOf(home)
  expect(misuse).toMatchObject([{ sign: 'locked-out', untilMs: expect.any(Number) }])
  expect((await home.kubeguard(['status'])).stdout).toMatch(
    /^! 4 wrong passphrases in a row, .*\n {2}was it not you\?/,
  )
  expect(await journalled(home, 'misuse')).toMatchObject([
    { sign: 'failed-unlocks', count: 3 },
    { sign: 'locked-out', count: 4 },
  ])
  writePolicy(home, { idle: '10m', more: '    lockOutAfter: 100\n' })
  expect((await guess(home, passphrase)).stderr).toContain('nothing is asked for')
  await until('the end of the lock-out', () => Date.now() > (misuse[0]?.untilMs ?? 0), { withinMs: 120_000 })
  let said = ''
  const opened = async (): Promise<boolean> => {
    const { code, stderr } = await guess(home, passphrase)
    said = stderr
    return code === 0
  }
  await until('the right one', opened, { withinMs: 60_000 })
  expect(said).toMatch(/\nkubeguard: 4 failed attempts since .+, the last on .+\n/)
  expect((await statusOf(home)).misuse).toEqual([])
  expect(readFileSync(join(home.home, 'environment'), 'utf8')).not.toContain('not this one')
  expect(heard()).toHaveLength(2)
})

test('a journal that somebody has edited: told with its place, and the head stands in the machine’s log', async () => {
  await using home = await guardedHome({ idle: '10m' })
  await home.lock()
  good(await home.kubeguard(['daemon', 'stop']))
  home.env['KUBEGUARD_SYSLOG'] = join(home.root, 'log')
  const heard = await listenAt(join(home.root, 'log'))
  const database = new Sqlite(join(home.guardHome, 'state', 'journal.db'))
  database.exec("update entries set details = '{}' where seq = 2")
  database.close()
  await home.kubeguard(['status'])
  await until('word of it', () => heard().length === 1)
  expect(heard()[0]).toMatch(
    /misuse journal-broken at="2" problem="an entry was changed" journal-head=[0-9a-f]{64}$/,
  )
  const { misuse } = await statusOf(home)
  expect(misuse).toMatchObject([
    { sign: 'journal-broken', message: 'the journal’s chain is broken at entry 2: an entry was changed' },
  ])
  expect(await journalled(home, 'misuse')).toMatchObject([{ sign: 'journal-broken', at: 2 }])
})
