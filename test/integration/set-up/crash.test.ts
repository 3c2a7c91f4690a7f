import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withHook } from '../../../src/cli/hook-block.ts'
import { hookLine } from '../../../src/cli/shell-hook.ts'
import { tool } from '../../fixtures/tools.ts'
import { node } from '../../fixtures/terminal.ts'

/** Kills a change of a start-up file at each of its calls that change files, and looks at what is left. */

const program = new URL('change-start-up.ts', import.meta.url).pathname
const changing = ['openat', 'write', 'fsync', 'rename', 'unlink', 'fchmod', 'mkdir']
const text = 'alias k=kubectl\nexport EDITOR=vi'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kg-crash-'))
  file = join(folder, 'bashrc')
  symlinkSync('bashrc', join(folder, '.bashrc'))
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Call {
  readonly name: string
  /** Which call of this name by the main thread, from 1. */
  readonly nth: number
}

function run(order: 'add' | 'remove', before: readonly string[] = []): string {
  const [command = '', ...args] = [
    ...before,
    node,
    '--disable-sigusr1',
    program,
    order,
    join(folder, '.bashrc'),
  ]
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    KUBEGUARD_HOME: join(folder, 'guard'),
    MALLOC_ARENA_MAX: '1',
  }
  return spawnSync(command, args, { env, encoding: 'utf8' }).stderr
}

/** The calls that change something in the folder; a kill at one that comes a little earlier or later is one as well. */
function callsOf(order: 'add' | 'remove'): Call[] {
  const trace = join(folder, 'trace')
  run(order, [tool('strace'), '-y', '-o', trace, '-e', `trace=${changing.join(',')}`])
  const counts = new Map<string, number>()
  return readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((line): Call[] => {
      const name = /^([a-z]+)\(/.exec(line)?.[1]
      if (name === undefined) return []
      const nth = (counts.get(name) ?? 0) + 1
      counts.set(name, nth)
      const changes = line.includes(folder) && (name !== 'openat' || line.includes('O_CREAT'))
      return changes ? [{ name, nth }] : []
    })
}

test.each([
  ['add', text, withHook(text, hookLine('bash'))],
  ['remove', withHook(text, hookLine('bash')), text],
] as const)(
  '%s: the file is the old or the new one, and the next run completes it',
  (order, before, after) => {
    const begin = (): void => {
      rmSync(join(folder, 'guard'), { recursive: true, force: true })
      writeFileSync(file, before, { mode: 0o640 })
    }
    begin()
    const calls = callsOf(order)
    expect(readFileSync(file, 'utf8')).toBe(after)
    const beside = readdirSync(folder).filter((name) => name !== 'trace')
    let killed = 0
    for (const { name, nth } of calls) {
      begin()
      const trace = join(folder, 'trace')
      run(order, [
        tool('strace'),
        '-y',
        '-o',
        trace,
        '-e',
        `trace=${name}`,
        '-e',
        `inject=${name}:signal=KILL:when=${nth}`,
      ])
      const log = readFileSync(trace, 'utf8')
      if (log.includes('killed by SIGKILL') && log.trimEnd().split('\n').at(-2)?.includes(folder) === true)
        killed += 1
      rmSync(trace)
      expect([before, after]).toContain(readFileSync(file, 'utf8'))
      run(order)
      expect(readFileSync(file, 'utf8')).toBe(after)
      expect(statSync(file).mode & 0o777).toBe(0o640)
      expect(readdirSync(folder).toSorted()).toEqual(beside.toSorted())
    }
    expect(killed).toBeGreaterThan(calls.length / 2)
    expect(calls.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['openat', 'write', 'fsync', 'fchmod', 'rename']),
    )
  },
)
