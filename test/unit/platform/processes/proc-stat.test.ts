import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseProcStat, readProcStat, scanProcesses } from '../../../../src/platform/processes/proc-stat.ts'

const tail = 'S 7 8 9 34816 10 4194304 1 2 3 4 5 6 7 8 20 0 1 0 309929 1 2 3'

describe('parseProcStat', () => {
  it.each(['sh', 'tmux: server', 'a b', ') S 1 (', '((sd-pam))', ' ', 'a\nb', ''])(
    'reads a process named %j',
    (comm) => {
      expect(parseProcStat(`4711 (${comm}) ${tail}`)).toEqual({
        pid: 4711,
        comm,
        state: 'S',
        ppid: 7,
        pgrp: 8,
        session: 9,
        ttyDevice: 34816,
        foregroundPgrp: 10,
        startTicks: 309929,
      })
    },
  )

  it('is not misled by any name', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 15 }), (comm) => {
        expect(parseProcStat(`4711 (${comm}) ${tail}`)).toMatchObject({
          pid: 4711,
          comm,
          ppid: 7,
          startTicks: 309929,
        })
      }),
    )
  })

  it.each(['', '12', '12 (sh', '12 (sh) S', ') x ('])('refuses %j', (line) => {
    expect(parseProcStat(line)).toBeUndefined()
  })
})

describe('readProcStat', () => {
  it.each([0, -1, 1.5, Number.NaN, 2 ** 30])('knows no process %s', (pid) => {
    expect(readProcStat(pid)).toBeUndefined()
  })

  it('is part of what one look at all processes finds', () => {
    expect(scanProcesses().get(process.pid)?.startTicks).toBe(readProcStat(process.pid)?.startTicks)
  })
})
