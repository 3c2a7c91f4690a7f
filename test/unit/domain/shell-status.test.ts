import { expect, test } from 'vitest'
import { formatShellStatus } from '../../../src/domain/shell-status.ts'
import type { ShellStatus } from '../../../src/domain/shell-status.ts'

const status: ShellStatus = {
  daemon: { pid: 42, startTicks: 77 },
  sessions: [
    { policy: 'prod', open: { endsMs: 90_400, warnsMs: 30_400 }, terminal: undefined, env: ['A', 'B'] },
    { policy: 'default', terminal: undefined, open: undefined, env: [] },
  ],
  notices: [{ number: 3, text: 'kubeguard: default is locked', terminal: undefined, unset: ['C'] }],
  globs: [{ policy: 'prod', glob: 'prod *' }],
  contexts: [{ policy: 'default', context: 'prod test' }],
}

test('is lines of words', () => {
  expect(formatShellStatus(status).split('\n')).toEqual([
    'kubeguard 1 42 77',
    'session prod unlocked 90 30 A B',
    'session default locked 0 0',
    'unset 3 C',
    'notice 3 kubeguard: default is locked',
    'context default prod test',
    'glob prod prod *',
    '',
  ])
})

test('a name that could end its line, or reach the terminal as an order, is left out', () => {
  const text = formatShellStatus({
    ...status,
    sessions: [
      ...status.sessions,
      { policy: 'x\nunset 9 PATH', terminal: undefined, open: undefined, env: [] },
    ],
    contexts: [
      { policy: 'default', context: 'a\nunset 9 PATH' },
      { policy: 'default', context: 'b\u001b[2J' },
    ],
  })
  for (const part of ['unset 9', '\u001b', 'context default']) expect(text).not.toContain(part)
})

test('stays small, whatever the rules name', () => {
  const globs = Array.from({ length: 5_000 }, (_, index) => ({ policy: 'prod', glob: `cluster-${index}-*` }))
  expect(formatShellStatus({ ...status, globs }).length).toBeLessThan(40_000)
})

test('what concerns one terminal says which', () => {
  const terminal = '812:9000'
  const text = formatShellStatus({
    ...status,
    sessions: [{ policy: 'prod', terminal, open: { endsMs: 9_000, warnsMs: 8_000 }, env: ['A'] }],
    notices: [{ number: 4, text: 'kubeguard: prod is locked', terminal, unset: ['C'] }],
  })
  expect(text.split('\n').slice(1, 4)).toEqual([
    'at 812:9000 session prod unlocked 9 8 A',
    'at 812:9000 unset 4 C',
    'at 812:9000 notice 4 kubeguard: prod is locked',
  ])
})
