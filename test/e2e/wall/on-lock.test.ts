import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { guardedHome, sessionOf } from '../../fixtures/held-home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { daemonOf, kill } from '../daemon/daemon-home.ts'

/** Written once for each run, so that a second one would show. */
const note = 'echo "$KUBEGUARD_POLICY $KUBEGUARD_REASON" >>ran'
const rules = (...commands: string[]) => ({
  idle: '10m',
  more: `    onLock: ${JSON.stringify(commands)}\n`,
})

const ran = ({ home }: TestHome): string[] => {
  const path = join(home, 'ran')
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
}

async function journalled(home: TestHome): Promise<Record<string, unknown>[]> {
  const { stdout } = await home.kubeguard(['log', '--event', 'lock-command', '--json'])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { details: Record<string, unknown> }).details)
}

const untilRan = (home: TestHome, times: number): Promise<true> =>
  until(`${times} runs`, () => ran(home).length === times)

test('a lock runs what the policy names, once, for that policy alone', async () => {
  await using home = await guardedHome(rules(note))
  await home.lock()
  expect(ran(home)).toEqual([])
  await home.unlock()
  await home.lock()
  await untilRan(home, 1)
  await home.lock()
  await home.kubeguard(['sweep'])
  await home.kubeguard(['daemon', 'restart'])
  await home.kubeguard(['status'])
  expect(ran(home)).toEqual(['default manual'])
  expect(await journalled(home)).toMatchObject([{ command: note, outcome: 'done' }])
})

test('a lock waits for none; what failed is in status and journal until the next unlock', async () => {
  await using home = await guardedHome(rules('until [ -e go ]; do sleep 0.1; done; echo sorry; exit 4', note))
  await home.unlock()
  await home.lock()
  expect([(await sessionOf(home)).state, ran(home)]).toEqual(['locked', []])
  await home.run('/usr/bin/touch', ['go'])
  await untilRan(home, 1)
  await until('the journal', async () => (await journalled(home)).length === 2)
  expect(await journalled(home)).toEqual(
    expect.arrayContaining([expect.objectContaining({ outcome: 'exit code 4', output: 'sorry' })]),
  )
  expect((await home.kubeguard(['status'])).stdout).toContain('exit code 4: sorry')
  await home.unlock()
  expect((await home.kubeguard(['status'])).stdout).not.toContain('sorry')
})

test('after a crash the next daemon runs it, once', async () => {
  await using home = await guardedHome(rules(note))
  await home.unlock()
  await kill(await daemonOf(home))
  await home.kubeguard(['sweep'])
  await untilRan(home, 1)
  await home.kubeguard(['daemon', 'restart'])
  await home.kubeguard(['sweep'])
  expect(ran(home)).toEqual(['default crash'])
})

test('a daemon that is stopped runs it first, and ends one that does not end', async () => {
  await using home = await guardedHome(rules(note, 'echo $$ >pid; exec sleep 600'))
  await home.unlock()
  expect(await home.kubeguard(['daemon', 'stop'])).toMatchObject({ code: 0 })
  expect(ran(home)).toEqual(['default daemon-stopped'])
  const pid = readFileSync(join(home.home, 'pid'), 'utf8').trim()
  expect(existsSync(`/proc/${pid}`)).toBe(false)
})
