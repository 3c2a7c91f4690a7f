import { copyFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findHolder } from '../../../src/domain/holder.ts'
import type { ProcessFacts } from '../../../src/usecases/ports.ts'
import { createProcessTable } from '../../../src/platform/processes/process-table.ts'
import { Family } from './family.ts'

const table = createProcessTable()
let family: Family

beforeEach(() => {
  family = new Family()
})
afterEach(() => family.end())

it('tells this process and its parents', () => {
  const ancestry = [...table.ancestry(process.pid)]
  expect(ancestry[0]).toMatchObject({ pid: process.pid, program: 'node' })
  expect(ancestry[1]?.pid).toBe(process.ppid)
  const own = table.inspect(process.pid)
  expect(own).toMatchObject({ ppid: process.ppid, program: 'node' })
  const ids = ancestry.map(({ pid, startTicks }) => ({ pid, startTicks }))
  expect([...table.lineage(own as ProcessFacts)]).toMatchObject(ids)
})

it('knows nothing of a process that is gone, and of pid 0 only that it is elsewhere', () => {
  expect(table.inspect(2 ** 22 + 1)).toBeUndefined()
  expect(findHolder(table.ancestry(2 ** 22 + 1))).toEqual({ refused: 'gone' })
  expect(findHolder(table.ancestry(0))).toEqual({ refused: 'other-pid-namespace' })
})

it('reads the arguments of shells alone', async () => {
  const shell = family.start('note up; sleep 1000 & note sleep $!; wait')
  const sleep = await family.noted('sleep')
  expect(table.inspect(shell.pid)?.args).toEqual([expect.stringContaining('script-0')])
  expect(table.inspect(sleep.pid)).toMatchObject({ program: 'sleep' })
  expect(table.inspect(sleep.pid)?.args).toBeUndefined()
})

it('names the executable, whatever a process calls itself, and also a deleted one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubeguard-program-'))
  const program = join(folder, 'my client (1)')
  copyFileSync(
    execFileSync('/bin/sh', ['-c', 'readlink -f "$(command -v sleep)"'], { encoding: 'utf8' }).trim(),
    program,
  )
  chmodSync(program, 0o755)
  family.start(`(exec -a zsh '${program}' 1000) & note client $!; wait`)
  const client = await family.noted('client')
  await expect.poll(() => table.inspect(client.pid)?.program).toBe('my client (1)')
  rmSync(folder, { recursive: true })
  expect(table.inspect(client.pid)?.program).toBe('my client (1)')
})

it('finds the client behind shells and wrappers', async () => {
  family.start(
    `exec -a x bash -c 'env timeout 1000 sh -c "sleep 1000 & echo \\$! > \\"${family.folder}/plugin\\"; wait"; true'`,
  )
  const plugin = await family.noted('plugin')
  const verdict = findHolder(table.ancestry(plugin.pid))
  expect(verdict).toMatchObject({ holder: { pid: process.pid, program: 'node' } })
})

it('refuses a plugin whose client has gone', async () => {
  const shell = family.start(`(sleep 1000 & note orphan $!); note up; sleep 1000 & note other $!; wait`)
  const orphan = await family.noted('orphan')
  await family.noted('other')
  const parent = table.inspect(orphan.pid)?.ppid
  expect(parent).not.toBe(shell.pid)
  // Where something else than pid 1 takes in orphans, its name decides.
  if (parent === 1) expect(findHolder(table.ancestry(orphan.pid))).toEqual({ refused: 'orphaned' })
})
