import { nativeFindings } from '../../../src/cli/doctor/installation-findings.ts'
import { expect, test } from 'vitest'
import {
  clockFindings,
  coreFindings,
  departureFindings,
  ptraceFindings,
  swapFindings,
} from '../../../src/cli/doctor/machine-findings.ts'

const head = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'

test('swap in memory or encrypted is fine, on a bare disk it is not', () => {
  const swaps = `${head}/dev/zram0 partition 100 0 5\n/dev/dm-1 partition 100 0 -2\n/dev/sda2 partition 100 0 -3\n/swap.img file 100 0 -4\n`
  const found = swapFindings(swaps, (device) => device === '/dev/dm-1')
  expect(found.map(({ message }) => message.split(' ')[0])).toEqual(['/dev/sda2', '/swap.img'])
  expect(swapFindings(head)).toEqual([])
  expect(swapFindings('')).toEqual([])
})

test('the service keeps keepers out of swap: then it is advice; else the cure names it where it can be had', () => {
  const swaps = 'Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n'
  const plain = (): boolean => false
  const daemon = { pid: 7, byService: true, unswapped: true }
  expect(swapFindings(swaps, plain, { hasManager: true, daemon })).toEqual([
    expect.objectContaining({ level: 'note', message: expect.stringContaining('the keepers’ is kept out') }),
  ])
  const without = swapFindings(swaps, plain, { hasManager: true })
  expect(without).toEqual([
    expect.objectContaining({ level: 'problem', cure: expect.stringContaining('kubeguard service install') }),
  ])
  const powerless = { ...daemon, unswapped: false }
  expect(swapFindings(swaps, plain, { hasManager: true, daemon: powerless })[0]).toMatchObject({
    level: 'problem',
    cure: expect.not.stringContaining('service install'),
  })
  expect(swapFindings(swaps, plain, { hasManager: false })[0]?.cure).not.toContain('service')
})

test('whoever may trace may read a client of an open session', () => {
  for (const scope of ['1\n', '2\n', '3\n']) expect(ptraceFindings(scope)).toEqual([])
  expect(ptraceFindings('0\n')).toMatchObject([
    { id: 'ptrace', level: 'note', cure: expect.stringMatching(/ptrace_scope = 1/) },
  ])
  expect(ptraceFindings('')).toMatchObject([{ id: 'ptrace', cure: expect.stringMatching(/Yama/) }])
})

test('a crash leaves a client’s memory on disk: by a program, or where the limit allows it', () => {
  expect(coreFindings('core\n', 0n)).toEqual([])
  expect(coreFindings('core\n', 4096n)).toMatchObject([
    { id: 'core-dumps', cure: expect.stringMatching(/ulimit -c 0/) },
  ])
  // The limit counts for files alone.
  const piped = coreFindings('|/usr/lib/systemd/systemd-coredump %P %u\n', 0n)
  expect(piped).toMatchObject([
    { id: 'core-dumps', message: expect.stringMatching(/: \/usr\/lib\/systemd\/systemd-coredump$/) },
  ])
})

test('a clock that was set back is told by how much', () => {
  expect(clockFindings(1_000_000, 1_000_000 + 30_000)).toEqual([])
  expect(clockFindings(1_000_000, 1_000_000 + 7_200_000)).toMatchObject([
    { id: 'clock', message: expect.stringMatching(/2h behind/) },
  ])
})

test('the fallback is told with its reason', () => {
  const [there, gone] = [import.meta.filename, '/nowhere/kubeguard-reaper']
  expect(nativeFindings([there], undefined)).toEqual([])
  const messages = [
    nativeFindings([there, gone], undefined),
    nativeFindings(['/nowhere/native', gone], '/usr/bin/cc'),
    nativeFindings([there, gone, '/nowhere/kubeguard-supervisor'], '/usr/bin/cc'),
    nativeFindings([there, '/nowhere/kubeguard-supervisor'], undefined),
  ]
  expect(messages.flat().map(({ id, level, message }) => [id, level, message])).toEqual([
    ['no-native', 'note', 'the reaper: the slower fallback is in use, for there is no C compiler'],
    [
      'no-native',
      'note',
      'shim, plugin and watch, the reaper: the slower fallback is in use, for they were not built',
    ],
    [
      'no-native',
      'note',
      'the reaper: the slower fallback is in use; no supervisor: a lock ends kubectl exec -it without a word, for they were not built',
    ],
    [
      'no-native',
      'note',
      'no supervisor: a lock ends kubectl exec -it without a word, for there is no C compiler',
    ],
  ])
})

test.each([
  ['no log-in manager', ['/run/dbus/system_bus_socket', '/usr/bin/systemd-inhibit'], /no log-in manager/],
  ['no bus', ['/run/systemd/seats', '/usr/bin/systemd-inhibit'], /no log-in manager/],
  [
    'nothing to delay sleep',
    ['/run/systemd/seats', '/run/dbus/system_bus_socket'],
    /systemd-inhibit is missing/,
  ],
])('%s is said, as a note', (_name, there, message) => {
  const found = departureFindings((path) => there.includes(path))
  expect(found).toMatchObject([{ id: 'departures', level: 'note', message: expect.stringMatching(message) }])
})

test('with all of it nothing is said of leaving', () => {
  const there = ['/run/systemd/seats', '/run/dbus/system_bus_socket', '/usr/bin/systemd-inhibit']
  expect(departureFindings((path) => there.includes(path))).toEqual([])
})
