import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { mayEnd } from '../../../src/domain/ending.ts'
import { createProcessTable } from '../../../src/platform/processes/process-table.ts'
import { isStopped, readProcStat, scanProcesses } from '../../../src/platform/processes/proc-stat.ts'
import { eventually, Family } from './family.ts'

const table = createProcessTable()
const keepNothing = () => false
let family: Family

beforeEach(() => {
  family = new Family()
})
afterEach(() => family.end())

const longGraceMs = 20_000

it('ends a process at once that obeys TERM', async () => {
  const root = family.start('note up; exec sleep 1000')
  await family.noted('up')
  const startMs = performance.now()
  await table.endTrees([{ id: root, graceMs: longGraceMs }], keepNothing)
  expect(table.isAlive(root)).toBe(false)
  expect(performance.now() - startMs).toBeLessThan(longGraceMs)
})

it('lets a handler of TERM do its work before anything else', async () => {
  const root = family.start(`trap 'note handled; exit 0' TERM; note up; while :; do sleep 0.01; done`)
  await family.noted('up')
  await table.endTrees([{ id: root, graceMs: longGraceMs }], keepNothing)
  expect(table.isAlive(root)).toBe(false)
  expect(existsSync(join(family.folder, 'handled'))).toBe(true)
})

it('kills after the grace what ignores TERM, its children too', async () => {
  const root = family.start(
    `trap '' TERM; (trap '' TERM; note child $BASHPID; while :; do sleep 1; done) & note up; wait`,
  )
  await family.noted('up')
  const child = await family.noted('child')
  const startMs = performance.now()
  await table.endTrees([{ id: root, graceMs: 150 }], keepNothing)
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(149)
  expect([root, child].filter(table.isAlive)).toEqual([])
})

it('ends what was stopped', async () => {
  const root = family.start('note up; exec sleep 1000')
  await family.noted('up')
  process.kill(root.pid, 'SIGSTOP')
  await eventually(() => isStopped(readProcStat(root.pid) as never))
  await table.endTrees([{ id: root, graceMs: longGraceMs }], keepNothing)
  expect(table.isAlive(root)).toBe(false)
})

it('finds children in groups and sessions of their own, and grandchildren', async () => {
  const root = family.start(
    `set -m
     sleep 1000 & note own-group $!
     set +m
     setsid bash -c 'sleep 1000 & echo $! > "${family.folder}/grandchild"; echo $$ > "${family.folder}/own-session"; wait' &
     nohup sleep 1000 >/dev/null 2>&1 & note nohup $!
     wait`,
  )
  const all = [root]
  for (const name of ['own-group', 'grandchild', 'own-session', 'nohup']) all.push(await family.noted(name))
  await table.endTrees([{ id: root, graceMs: longGraceMs }], keepNothing)
  expect(all.filter(table.isAlive)).toEqual([])
})

it('finds orphans that stayed in a session the root leads', async () => {
  const root = family.start(`(sleep 1000 & note orphan $!); note up; exec sleep 1000`, { detached: true })
  await family.noted('up')
  const orphan = await family.noted('orphan')
  await table.endTrees([{ id: root, graceMs: longGraceMs }], keepNothing)
  expect(table.isAlive(orphan)).toBe(false)
})

it('finds such orphans also when the root has gone already', async () => {
  const root = family.start(`(sleep 1000 & note orphan $!); note up; exec sleep 1000`, { detached: true })
  await family.noted('up')
  const orphan = await family.noted('orphan')
  process.kill(root.pid, 'SIGKILL')
  await eventually(() => !table.isAlive(root))
  await table.endTrees([{ id: root, graceMs: longGraceMs }], keepNothing)
  expect(table.isAlive(orphan)).toBe(false)
})

it('loses no child of a tree that forks as fast as it can', async () => {
  const root = family.start(`note up; while :; do sleep 777.77 & sleep 0.002; done`, { detached: true })
  await family.noted('up')
  await eventually(() => childrenOf(root.pid).length > 5)
  await table.endTrees([{ id: root, graceMs: 2_000 }], keepNothing)
  expect(table.isAlive(root)).toBe(false)
  expect(sessionOf(root.pid)).toEqual([])
})

it('leaves alone what must be kept, and what that started', async () => {
  const root = family.start(
    `bash -c 'sleep 1000 & echo $! > "${family.folder}/below"; echo $$ > "${family.folder}/kept"; wait' &
     sleep 1000 & note ended $!; wait`,
  )
  const kept = await family.noted('kept')
  const below = await family.noted('below')
  const ended = await family.noted('ended')
  await table.endTrees([{ id: root, graceMs: longGraceMs }], (facts) => facts.pid === kept.pid)
  expect([root, ended].map(table.isAlive)).toEqual([false, false])
  expect([kept, below].map(table.isAlive)).toEqual([true, true])
  expect(isStopped(readProcStat(kept.pid) as never)).toBe(false)
})

it('ends a holder alone, and not its children', async () => {
  const root = family.start(`sleep 1000 & note child $!; wait`)
  const child = await family.noted('child')
  await table.endTrees([{ id: root, graceMs: longGraceMs, alone: true }], keepNothing)
  expect([root, child].map(table.isAlive)).toEqual([false, true])
})

it('does not touch the rest of a pipeline that a root leads', async () => {
  const script = family.start(
    `set -m; sleep 1000 | (note reader $BASHPID; exec sleep 1000) & note leader $(jobs -p); wait`,
  )
  const leader = await family.noted('leader')
  const reader = await family.noted('reader')
  expect(readProcStat(reader.pid)?.pgrp).toBe(leader.pid)
  await table.endTrees([{ id: leader, graceMs: longGraceMs }], keepNothing)
  expect([leader, reader, script].map(table.isAlive)).toEqual([false, true, true])
})

it('takes a recycled pid for another process', async () => {
  const root = family.start('note up; exec sleep 1000')
  await family.noted('up')
  await table.endTrees([{ id: { ...root, startTicks: root.startTicks - 1 }, graceMs: 0 }], keepNothing)
  expect(table.isAlive(root)).toBe(true)
  expect(table.isAlive({ ...root, startTicks: root.startTicks + 1 })).toBe(false)
})

it('never ends this process, whatever it is told', async () => {
  const self = table.inspect(process.pid) as NonNullable<ReturnType<typeof table.inspect>>
  await table.endTrees([{ id: self, graceMs: 0 }], (facts) => facts.pid !== process.pid && !mayEnd(facts))
  expect(table.isAlive(self)).toBe(true)
})

function childrenOf(pid: number): number[] {
  return [...scanProcesses().values()].filter((stat) => stat.ppid === pid).map((stat) => stat.pid)
}

function sessionOf(leader: number): number[] {
  return [...scanProcesses().values()]
    .filter((stat) => stat.session === leader && stat.state !== 'Z')
    .map((stat) => stat.pid)
}
