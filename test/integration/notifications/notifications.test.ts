import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createNotifications } from '../../../src/platform/notifications.ts'
import { Desktop } from '../../fixtures/desktop.ts'
import { until } from '../../fixtures/terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'kg-notes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** As a daemon has it whose runtime folder is this one. */
function notifications(runtime: string, path?: string) {
  const said: string[] = []
  const log = { info: (message: string, facts = {}) => void said.push(`${message} ${JSON.stringify(facts)}`) }
  const environment = { KUBEGUARD_HOME: folder, XDG_RUNTIME_DIR: runtime }
  return { said, ...createNotifications({ log, environment, ...(path === undefined ? {} : { path }) }) }
}

test('a notification is shown as it was meant, whatever is in it', async () => {
  using desktop = await Desktop.start()
  await desktop.showNotifications()
  const { notify, said } = notifications(desktop.folder)
  notify({ summary: '-x: é 😀\x1b[31m\0', body: '<b>1 & 2</b>\nthen', urgency: 'critical' })
  notify({ summary: 'x'.repeat(2_000), body: '', urgency: 'low' })
  await until('both', () => desktop.shown.length === 2, { now: () => JSON.stringify(said) })
  expect(desktop.shown.toSorted((one, other) => other.urgency - one.urgency)).toEqual([
    {
      app: 'kubeguard',
      summary: '-x: é 😀 [31m ',
      body: '&lt;b&gt;1 &amp; 2&lt;/b&gt; then',
      urgency: 2,
    },
    { app: 'kubeguard', summary: 'x'.repeat(512), body: '', urgency: 0 },
  ])
  expect(said).toEqual([])
})

test('nobody is there to show it: it is said in the log, and all goes on', async () => {
  using desktop = await Desktop.start()
  const { notify, said } = notifications(desktop.folder)
  notify({ summary: 'prod locks', body: '', urgency: 'normal' })
  await until('the log', () => said.length > 0)
  expect(said[0]).toMatch(/a notification was not shown .*org\.freedesktop\.Notifications/)
})

test('a desktop that hangs is left after a while, and gets no more than a few meanwhile', async () => {
  using desktop = await Desktop.start()
  await desktop.showNotifications()
  desktop.hang()
  const { notify, said } = notifications(desktop.folder)
  for (let count = 0; count < 6; count += 1) notify({ summary: 'x', body: '', urgency: 'normal' })
  expect(said.filter((line) => line.includes('left out'))).toHaveLength(2)
  await until('it to be left', () => said.filter((line) => line.includes('not shown')).length === 4)
})

test('without a bus, with something else in its place, or without busctl nothing happens', async () => {
  using desktop = await Desktop.start()
  const elsewhere = (name: string): string => {
    const runtime = join(folder, name)
    mkdirSync(runtime)
    return runtime
  }
  const file = elsewhere('file')
  writeFileSync(join(file, 'bus'), '')
  const link = elsewhere('link')
  symlinkSync(join(desktop.folder, 'bus'), join(link, 'bus'))
  for (const runtime of ['', 'relative', elsewhere('none'), file, link]) {
    const { notify, said } = notifications(runtime)
    notify({ summary: 'x', body: '', urgency: 'normal' })
    expect(said).toEqual([])
  }
  const without = notifications(desktop.folder, folder)
  without.notify({ summary: 'x', body: '', urgency: 'normal' })
  await until('the log', () => without.said.length > 0)
  expect(without.said).toEqual(['a notification was not shown {"why":"ENOENT"}'])
})
