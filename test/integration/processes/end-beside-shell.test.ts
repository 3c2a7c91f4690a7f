import { spawn } from 'node-pty'
import { expect, it } from 'vitest'
import { createProcessTable } from '../../../src/platform/processes/process-table.ts'
import { scanProcesses } from '../../../src/platform/processes/proc-stat.ts'
import { reaperKinds, ReaperRig } from './reaper-rig.ts'

const table = createProcessTable()

it.each(reaperKinds)(
  'the %s reaper ends a foreground client so that its shell neither calls it suspended nor is touched',
  async (kind) => {
    const rig = new ReaperRig(kind)
    const env = { PATH: process.env['PATH'] ?? '', PS1: 'ready> ', HOME: '/nonexistent', TERM: 'dumb' }
    const pty = spawn('/bin/bash', ['--noprofile', '--norc', '-i'], { name: 'dumb', env })
    let screen = ''
    pty.onData((data) => {
      screen += data
    })
    try {
      await expect.poll(() => screen).toContain('ready>')
      pty.write('sleep 1000; echo code-$?\r')
      const client = () =>
        [...scanProcesses().values()].find(({ ppid, comm }) => ppid === pty.pid && comm === 'sleep')
      await expect.poll(client, { timeout: 10_000 }).toBeDefined()
      const facts = table.inspect(client()?.pid as number)
      if (facts === undefined) throw new Error('it is gone')
      // The shell itself as a root, too: it must be left alone whoever asks.
      const shell = table.inspect(pty.pid)
      if (shell === undefined) throw new Error('the shell is gone')
      expect(facts.foregroundPgrp).toBe(facts.pgrp)
      const roots = [facts, shell].map((id) => ({ id, graceMs: 10_000 }))
      await rig.end(roots)
      await expect.poll(() => screen, { timeout: 10_000 }).toContain('code-143')
      expect(screen).not.toMatch(/stopped|suspended/i)
      expect(table.isAlive(shell)).toBe(true)
    } finally {
      rig.close()
      process.kill(pty.pid, 'SIGKILL')
    }
  },
)
