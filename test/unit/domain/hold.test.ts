import { expect, it } from 'vitest'
import { isServed } from '../../../src/domain/hold.ts'
import type { Hold } from '../../../src/domain/hold.ts'
import type { Ancestor } from '../../../src/domain/holder.ts'

const process = (pid: number, program: string, more: Partial<Ancestor> = {}): Ancestor => ({
  pid,
  startTicks: pid * 10,
  program,
  hasTerminal: true,
  ...more,
})
const plugin = process(5, 'kubeguard-credential')
const kubectl = process(4, 'kubectl')
const script = process(3, 'sh')
const make = process(2, 'make')
const login = process(1_000, 'bash', { interactiveShell: true })
const held = (kind: Hold['kind'], { pid, startTicks }: Ancestor): Hold => ({
  process: { pid, startTicks },
  kind,
  forMs: 1,
  since: undefined,
})

it.each<[string, readonly Hold[], readonly Ancestor[], Ancestor | undefined, boolean]>([
  ['a job itself', [held('hold', make)], [make, login], undefined, true],
  [
    'what a job starts, however deep',
    [held('hold', make)],
    [plugin, kubectl, script, make, login],
    kubectl,
    true,
  ],
  ['somebody else', [held('hold', make)], [plugin, kubectl, login], kubectl, false],
  ['an orphan of a job', [held('hold', make)], [kubectl, process(1, 'systemd')], undefined, false],
  [
    'one with the pid of a job that is gone',
    [held('hold', { ...make, startTicks: 1 })],
    [kubectl, make],
    undefined,
    false,
  ],
  [
    'a person in a shell below a job',
    [held('hold', make)],
    [kubectl, process(7, 'bash', { interactiveShell: true }), make, login],
    undefined,
    false,
  ],
  [
    'a person in a tmux below a job',
    [held('hold', make)],
    [kubectl, process(7, 'tmux'), make],
    undefined,
    false,
  ],
  ['a job that has become a shell', [held('hold', login)], [kubectl, login], undefined, false],
  ['a writer', [held('finish', kubectl)], [plugin, kubectl, make], kubectl, true],
  ['what a writer starts', [held('finish', make)], [plugin, kubectl, make], kubectl, false],
  ['the parent of a writer', [held('finish', kubectl)], [make], undefined, false],
  ['anyone, where nothing is held', [], [kubectl, make], kubectl, false],
])('%s', (_name, holds, ancestry, holder, served) => {
  expect(isServed(holds, ancestry, holder)).toBe(served)
})
