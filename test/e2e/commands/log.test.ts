import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import type { JournalEntry } from '../../../src/protocol/reports.ts'
import { good, makeHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { secretsOf } from './secrets.ts'
import { kubeguard } from './status.ts'

test('log: what was decided, by filters, followed, without secrets; verify shows a changed entry', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const secrets = secretsOf(home.kubeconfig)
  await home.init()
  await home.kubeguard(['unlock', 'prod', '--passphrase-fd', '3'], { fd3: 'none of yours' })
  await home.unlock('default')
  await home.realKubectl(['get', 'pods'])
  await home.lock('default')
  await home.kubectl(['get', 'pods'])

  const entries = async (...args: string[]): Promise<JournalEntry[]> =>
    good(await home.kubeguard(['log', '--json', ...args]))
      .stdout.split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JournalEntry)
  const wanted = [
    'vault-created',
    'adopted',
    'unlock-failed',
    'unlocked',
    'credential-issued',
    'locked',
    'refused',
  ]
  const all = await until('every event in the journal', async () => {
    const found = await entries()
    return wanted.every((event) => found.some((entry) => entry.event === event)) ? found : undefined
  })
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_entry, index) => (all[0]?.seq ?? 0) + index))
  expect(all.find(({ event }) => event === 'locked')).toMatchObject({
    policy: 'default',
    details: { reason: 'manual' },
  })
  expect(all.find(({ event }) => event === 'credential-issued')?.details).toMatchObject({
    program: 'kubectl',
    context: 'playground',
  })
  const text = JSON.stringify(all)
  for (const secret of [...secrets, 'none of yours']) expect(text).not.toContain(secret)
  expect((await entries('--event', 'unlocked')).map(({ event }) => event)).toEqual(['unlocked'])
  expect(new Set((await entries('--session', 'prod')).map(({ policy }) => policy))).toEqual(new Set(['prod']))
  expect(await entries('--since', '1ms')).toEqual([])
  expect(await entries('--since', '1h')).toHaveLength(all.length)
  expect(await home.kubeguard(['log', '--since', 'yesterday'])).toMatchObject({ code: 64 })
  expect((await home.kubeguard(['log', '--event', 'locked'])).stdout).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}locked {2}default {2}.*reason=manual/m,
  )
  expect(good(await home.kubeguard(['log', 'verify'])).stderr).toMatch(
    /chain is whole: \d+ entries, head \S+\n$/,
  )

  using person = await personIn(home, { NO_COLOR: '1' })
  person.type(`${kubeguard} log -f --session prod\r`)
  const from = person.output.length
  await home.unlock('prod')
  await person.showsAfter(from, /unlocked {2}prod/)
  person.type('\x03')
  await person.showsAfter(from, /ready> $/)

  const database = new Database(join(home.guardHome, 'state', 'journal.db'))
  try {
    const table = database
      .prepare("SELECT name FROM sqlite_master WHERE sql LIKE '%seq%' AND type = 'table'")
      .get() as {
      name: string
    }
    database.prepare(`DELETE FROM ${table.name} WHERE seq = ?`).run(all[2]?.seq)
  } finally {
    database.close()
  }
  const broken = await home.kubeguard(['log', 'verify'])
  expect(broken).toMatchObject({ code: 78, stdout: '' })
  expect(broken.stderr).toMatch(/^kubeguard: the journal's chain is broken.*\nkeep a copy of journal\.db/)
  expect(JSON.parse((await home.kubeguard(['log', 'verify', '--json'])).stdout)).toMatchObject({
    intact: false,
  })
})
