import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isAlive } from '../../../src/platform/processes/inspect.ts'
import { isStopped, readProcStat, scanProcesses } from '../../../src/platform/processes/proc-stat.ts'
import { eventually, Family } from './family.ts'
import { reaperKinds, ReaperRig } from './reaper-rig.ts'

const longGraceMs = 20_000

describe.each(reaperKinds)('the %s reaper', (kind) => {
  let family: Family
  let rig: ReaperRig

  beforeEach(() => {
    family = new Family()
    rig = new ReaperRig(kind)
  })
  afterEach(() => {
    rig.close()
    family.end()
  })

  it('ends a process at once that obeys TERM', async () => {
    const root = family.start('note up; exec sleep 1000')
    await family.noted('up')
    const startMs = performance.now()
    await rig.end([{ id: root, graceMs: longGraceMs }])
    expect(isAlive(root)).toBe(false)
    expect(performance.now() - startMs).toBeLessThan(longGraceMs)
  })

  it('lets a handler of TERM do its work before anything else', async () => {
    const root = family.start(`trap 'note handled; exit 0' TERM; note up; while :; do sleep 0.01; done`)
    await family.noted('up')
    await rig.end([{ id: root, graceMs: longGraceMs }])
    expect(isAlive(root)).toBe(false)
    expect(existsSync(join(family.folder, 'handled'))).toBe(true)
  })

  it('kills after the grace what ignores TERM, its children too', async () => {
    const root = family.start(
      `trap '' TERM; (trap '' TERM; note child $BASHPID; while :; do sleep 1; done) & note up; wait`,
    )
    await family.noted('up')
    const child = await family.noted('child')
    const startMs = performance.now()
    await rig.end([{ id: root, graceMs: 150 }])
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(149)
    expect([root, child].filter(isAlive)).toEqual([])
  })

  it('ends what was stopped', async () => {
    const root = family.start('note up; exec sleep 1000')
    await family.noted('up')
    process.kill(root.pid, 'SIGSTOP')
    await eventually(() => isStopped(readProcStat(root.pid) as never))
    await rig.end([{ id: root, graceMs: longGraceMs }])
    expect(isAlive(root)).toBe(false)
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
    await rig.end([{ id: root, graceMs: longGraceMs }])
    expect(all.filter(isAlive)).toEqual([])
  })

  it('finds orphans that stayed in a session the root leads', async () => {
    const root = family.start(`(sleep 1000 & note orphan $!); note up; exec sleep 1000`, { detached: true })
    await family.noted('up')
    const orphan = await family.noted('orphan')
    await rig.end([{ id: root, graceMs: longGraceMs }])
    expect(isAlive(orphan)).toBe(false)
  })

  it('finds such orphans also when the root has gone already', async () => {
    const root = family.start(`(sleep 1000 & note orphan $!); note up; exec sleep 1000`, { detached: true })
    await family.noted('up')
    const orphan = await family.noted('orphan')
    process.kill(root.pid, 'SIGKILL')
    await eventually(() => !isAlive(root))
    await rig.end([{ id: root, graceMs: longGraceMs }])
    expect(isAlive(orphan)).toBe(false)
  })

  it('loses no child of a tree that forks as fast as it can', async () => {
    const root = family.start(`note up; while :; do sleep 777.77 & sleep 0.002; done`, { detached: true })
    await family.noted('up')
    await eventually(() => childrenOf(root.pid).length > 5)
    await rig.end([{ id: root, graceMs: 2_000 }])
    expect(isAlive(root)).toBe(false)
    expect(sessionOf(root.pid)).toEqual([])
  })

  it('leaves alone what must be kept, and what that started', async () => {
    // A multiplexer is told by the name of its executable.
    const tmux = join(family.folder, 'tmux')
    copyFileSync('/bin/bash', tmux)
    const root = family.start(
      `'${tmux}' -c 'sleep 1000 & echo $! > "${family.folder}/below"; echo $$ > "${family.folder}/kept"; wait' &
     sleep 1000 & note ended $!; wait`,
    )
    const kept = await family.noted('kept')
    const below = await family.noted('below')
    const ended = await family.noted('ended')
    await rig.end([{ id: root, graceMs: longGraceMs }])
    expect([root, ended].map(isAlive)).toEqual([false, false])
    expect([kept, below].map(isAlive)).toEqual([true, true])
    expect(isStopped(readProcStat(kept.pid) as never)).toBe(false)
  })

  it('ends a holder alone, and not its children', async () => {
    const root = family.start(`sleep 1000 & note child $!; wait`)
    const child = await family.noted('child')
    await rig.end([{ id: root, graceMs: longGraceMs, alone: true }])
    expect([root, child].map(isAlive)).toEqual([false, true])
  })

  it('does not touch the rest of a pipeline that a root leads', async () => {
    const script = family.start(
      `set -m; sleep 1000 | (note reader $BASHPID; exec sleep 1000) & note leader $(jobs -p); wait`,
    )
    const leader = await family.noted('leader')
    const reader = await family.noted('reader')
    expect(readProcStat(reader.pid)?.pgrp).toBe(leader.pid)
    await rig.end([{ id: leader, graceMs: longGraceMs }])
    expect([leader, reader, script].map(isAlive)).toEqual([false, true, true])
  })

  it('takes a recycled pid for another process', async () => {
    const root = family.start('note up; exec sleep 1000')
    await family.noted('up')
    await rig.end([{ id: { ...root, startTicks: root.startTicks - 1 }, graceMs: 0 }])
    expect(isAlive(root)).toBe(true)
    expect(isAlive({ ...root, startTicks: root.startTicks + 1 })).toBe(false)
  })

  it('never ends the process that started it, whatever it is told', async () => {
    const self = readProcStat(process.pid) as NonNullable<ReturnType<typeof readProcStat>>
    expect(await rig.end([{ id: self, graceMs: 0 }])).toBe('')
    expect(isAlive(self)).toBe(true)
  })

  it('ends what a handler of TERM starts', async () => {
    const root = family.start(
      `trap 'setsid sleep 1000 & note late $!; sleep 0.3; exit 0' TERM; note up; while :; do sleep 0.01; done`,
    )
    await family.noted('up')
    await rig.end([{ id: root, graceMs: longGraceMs }])
    const late = Number(readFileSync(join(family.folder, 'late'), 'utf8'))
    expect(readProcStat(late)?.state ?? 'Z').toBe('Z')
    expect(isAlive(root)).toBe(false)
  })

  it('ends a fork bomb of two hundred', async () => {
    const root = family.start(
      `grow() { for n in 1 2; do [ "$1" -gt 0 ] && (trap '' TERM; grow $(($1 - 1)); sleep 1000) & done; wait; }
     grow 7 & note up; wait`,
      { detached: true },
    )
    await family.noted('up')
    await eventually(() => sessionOf(root.pid).length > 200)
    await rig.end([{ id: root, graceMs: 200 }])
    expect(sessionOf(root.pid)).toEqual([])
  })

  it('finds a daemon whose parents are gone if it was seen before', async () => {
    const root = family.start(
      `(setsid bash -c 'sleep 1000 & echo $! > "${family.folder}/daemon.new"; mv "${family.folder}/daemon.new" "${family.folder}/daemon"; sleep 1000' & note middle $!; wait) & note up; wait`,
    )
    const daemon = await family.noted('daemon')
    rig.process.watch(1, { id: root, graceMs: longGraceMs })
    expect(await rig.look()).toBeGreaterThanOrEqual(4)
    for (const stat of ancestorsUpTo(daemon.pid, root.pid)) process.kill(stat, 'SIGKILL')
    await eventually(() => readProcStat(daemon.pid)?.ppid !== root.pid && !isAlive(root))
    expect(isAlive(daemon)).toBe(true)
    expect(await rig.process.end(1, 20_000)).toBe('')
    expect(isAlive(daemon)).toBe(false)
  })

  it('ends everything when its line closes', async () => {
    const root = family.start('note up; sleep 1000 & note child $!; wait')
    const child = await family.noted('child')
    rig.process.watch(1, { id: root, graceMs: longGraceMs })
    rig.process.close()
    await eventually(() => !isAlive(root) && !isAlive(child) && !rig.isRunning)
  })

  it('ends a group two seconds past its deadline, and no other', async () => {
    const [early, late] = [family.start('exec sleep 1000'), family.start('exec sleep 1000')]
    rig.process.watch(1, { id: early, graceMs: longGraceMs })
    rig.process.watch(2, { id: late, graceMs: longGraceMs })
    await rig.look(2)
    const startMs = performance.now()
    await rig.look(1, 100)
    await eventually(() => !isAlive(early))
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(2_000)
    expect(isAlive(late)).toBe(true)
  })

  it('ends everything when nothing was heard for twenty seconds', { timeout: 40_000 }, async () => {
    const root = family.start('exec sleep 1000')
    rig.process.watch(1, { id: root, graceMs: longGraceMs })
    await rig.look()
    const startMs = performance.now()
    await eventually(() => !isAlive(root) && !rig.isRunning, 30_000)
    expect(performance.now() - startMs).toBeGreaterThan(18_000)
  })

  it('lets go of what it is told to forget', async () => {
    const root = family.start('sleep 1000 & note child $!; wait')
    const child = await family.noted('child')
    rig.process.watch(1, { id: root, graceMs: longGraceMs })
    expect(await rig.look()).toBe(2)
    rig.process.forget(root)
    expect(await rig.look()).toBe(0)
    rig.process.close()
    await eventually(() => !rig.isRunning)
    expect([root, child].map(isAlive)).toEqual([true, true])
  })

  it('spares a held job and what it started at an end that was asked for, and not when the line closes', async () => {
    const root = family.start(
      `bash -c 'sleep 1000 & echo $! > "${family.folder}/below"; echo $$ > "${family.folder}/held"; wait' &
       sleep 1000 & note ended $!; wait`,
    )
    const held = await family.noted('held')
    const below = await family.noted('below')
    const ended = await family.noted('ended')
    rig.process.watch(1, { id: root, graceMs: longGraceMs })
    rig.process.watch(2, { id: held, graceMs: longGraceMs })
    await rig.look()
    rig.process.spare(held)
    expect(await rig.process.end(1, 20_000)).toBe('')
    expect([root, ended].map(isAlive)).toEqual([false, false])
    expect([held, below].map(isAlive)).toEqual([true, true])
    rig.process.close()
    await eventually(() => !isAlive(held) && !isAlive(below) && !rig.isRunning)
  })

  it('takes no more than the protocol: another message ends the line, and with it what it watched', async () => {
    const root = family.start('exec sleep 1000')
    rig.process.watch(1, { id: root, graceMs: longGraceMs })
    rig.raw(Buffer.from('00000000000100ff', 'hex'))
    await eventually(() => !isAlive(root) && !rig.isRunning)
  })
})

function childrenOf(pid: number): number[] {
  return [...scanProcesses().values()].filter((stat) => stat.ppid === pid).map((stat) => stat.pid)
}

function sessionOf(leader: number): number[] {
  return [...scanProcesses().values()]
    .filter((stat) => stat.session === leader && stat.state !== 'Z')
    .map((stat) => stat.pid)
}

/** From its parent up to the root, nearest last, so that none is left to start it again. */
function ancestorsUpTo(pid: number, root: number): number[] {
  const found: number[] = []
  for (let stat = readProcStat(pid); stat !== undefined && stat.pid !== root;) {
    stat = readProcStat(stat.ppid)
    if (stat !== undefined) found.unshift(stat.pid)
  }
  return found
}
