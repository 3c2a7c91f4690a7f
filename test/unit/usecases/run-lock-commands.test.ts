import { expect, it, vi } from 'vitest'
import { guardedSession } from '../../../src/usecases/guarded-session.ts'
import type { CommandResult } from '../../../src/usecases/ports.ts'
import { RunLockCommands } from '../../../src/usecases/run-lock-commands.ts'

const done: CommandResult = { ok: true, outcome: 'done', tookMs: 5, output: '' }

function rig() {
  const guarded = guardedSession('prod')
  const order: string[] = []
  const pending: ((result: CommandResult) => void)[] = []
  const record = vi.fn()
  const commands = {
    run: (
      command: string,
      { KUBEGUARD_REASON: reason }: Readonly<Record<string, string>>,
    ): Promise<CommandResult> => {
      order.push(`${command} (${reason})`)
      return new Promise((resolve) => pending.push(resolve))
    },
    end: vi.fn(() => pending.splice(0).forEach((end) => end({ ...done, ok: false, outcome: 'ended' }))),
  }
  const finish = async (result: CommandResult): Promise<void> => {
    await vi.waitFor(() => expect(pending).toHaveLength(1))
    pending.shift()?.(result)
  }
  const run = new RunLockCommands({
    journal: { record },
    log: { error: vi.fn() },
    commands,
    table: () => ({ find: (policy: string) => (policy === 'prod' ? guarded : undefined) }),
  })
  return { run, guarded, order, record, finish, commands }
}

it('runs one after the other, also those of a lock that came meanwhile, and past one that fails', async () => {
  const { run, guarded, order, record, finish } = rig()
  run.begin('prod', ['a', 'b'], 'idle')
  run.begin('prod', ['c'], 'manual')
  await finish({ ok: false, outcome: 'exit code 3', tookMs: 7, output: 'no\nsession\x1b[2J' })
  expect(order).toEqual(['a (idle)', 'b (idle)'].slice(0, order.length))
  await finish(done)
  await finish(done)
  await run.stop(1_000)
  expect(order).toEqual(['a (idle)', 'b (idle)', 'c (manual)'])
  expect(record.mock.calls[0]).toEqual([
    {
      event: 'lock-command',
      policy: 'prod',
      details: { command: 'a', outcome: 'exit code 3', tookMs: 7, output: 'no session [2J' },
    },
  ])
  expect(guarded.lockFailures).toEqual(['onLock “a”: exit code 3: no session [2J'])
})

it('ends what runs when the daemon must go, and begins nothing more', async () => {
  const { run, order, record, commands } = rig()
  run.begin('prod', ['a', 'b'], 'daemon-stopped')
  await run.stop(10)
  expect(commands.end).toHaveBeenCalledTimes(1)
  expect(order).toEqual(['a (daemon-stopped)'])
  expect(record.mock.calls.map(([{ details }]) => details.outcome)).toEqual([
    'ended',
    'not run: the daemon stopped',
  ])
})
