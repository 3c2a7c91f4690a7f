import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { kubectl } from '../../fixtures/tools.ts'

/** A kubectl behind the shim that runs a line first, then becomes the real one, as a version manager's shim does. */
function kubectlAfter(line: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'kg-bin-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'bin'))
  const path = join(folder, 'bin', 'kubectl')
  writeFileSync(path, `#!/bin/bash\n${line}\nexec ${kubectl()} "$@"\n`)
  chmodSync(path, 0o755)
  return path
}

const KUBEGUARD = join(import.meta.dirname, '../../..', 'bin', 'kubeguard')

async function unlockedHome(options: Parameters<typeof makeHome>[0]): Promise<TestHome> {
  const home = makeHome(options)
  await home.startPlayground()
  await home.init()
  await home.unlock('default')
  return home
}

interface Entry {
  readonly event: string
  readonly details: Readonly<Record<string, unknown>>
}

async function issued(home: TestHome): Promise<Entry[]> {
  const { stdout } = await home.kubeguard(['log', '--json'])
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'))
  return lines.map((line) => JSON.parse(line) as Entry).filter(({ event }) => event === 'credential-issued')
}

test('a kubectl that the gate let through has its credential of the keeper alone: the daemon may be stopped', async () => {
  await using home = await unlockedHome({
    // It has vouched once it answers somebody else.
    kubectl: kubectlAfter(
      '[ -z "$STOPPED" ] || { "$KUBEGUARD" daemon status >/dev/null; kill -STOP "$STOPPED"; }',
    ),
  })
  const daemon = (await home.daemonPid()) as number
  try {
    const run = await home.kubectl(['get', 'pods'], { env: { STOPPED: String(daemon), KUBEGUARD } })
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toContain('web-0')
  } finally {
    process.kill(daemon, 'SIGCONT')
  }
  const [entry, ...more] = await until('the journal to have it', async () => {
    const found = await issued(home)
    return found.length > 0 && found
  })
  expect(entry?.details).toMatchObject({ program: 'kubectl', context: 'playground' })
  expect(more).toEqual([])
})

test('one that locks its own session on the way gets nothing, and the journal says so', async () => {
  await using home = await unlockedHome({
    kubectl: kubectlAfter('trap "" TERM; [ -z "$KUBEGUARD" ] || "$KUBEGUARD" lock'),
  })
  const run = await home.kubectl(['get', 'pods'], { env: { KUBEGUARD, KUBEGUARD_PROMPT: 'never' } })
  expect(run.stdout).not.toContain('web-0')
  expect(await issued(home)).toEqual([])
})

test('the journal has no credential that nobody fetched', async () => {
  await using home = await unlockedHome({})
  const local = ['create', 'configmap', 'x', '--dry-run=client', '-o', 'yaml', '--validate=false']
  expect(await home.kubectl(local)).toMatchObject({ code: 0 })
  expect(await issued(home)).toEqual([])
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 0 })
  await until('the journal to have one', async () => (await issued(home)).length > 0)
  expect(await issued(home)).toHaveLength(1)
})
