import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { TestTerminal, until } from '../../fixtures/terminal.ts'
import { PythonClient, pythonCommand } from './python-client.ts'

/** Input times move in steps of 8 s, and a busy machine may hold up who types for some more. */
const idle = '20s'
const longerThanIdleMs = 30_000

async function stateOf(home: TestHome): Promise<string | undefined> {
  const { stdout } = await home.kubeguard(['status', '--json'])
  const { sessions } = JSON.parse(stdout) as { sessions: { policy: string; state: string }[] }
  return sessions.find(({ policy }) => policy === 'prod')?.state
}

test('a client at whose terminal somebody types keeps its session open; one without keeps nothing', async () => {
  await using home = makeHome()
  writePolicy(home, { idle, more: '    access: gateway\n' })
  await home.startPlayground()
  await home.init()
  await home.unlock('prod')
  const [python, ...args] = pythonCommand(home)
  using terminal = new TestTerminal(python, args, home.env, home.home)
  const answers = (): number => terminal.output.match(/^200 \d+/gm)?.length ?? 0
  await until('its first answer', () => answers() === 1)
  const typedUntil = Date.now() + longerThanIdleMs
  await until(
    'a person who types for longer than the limit, whatever comes of it',
    async () => {
      terminal.type('\n')
      await sleep(250)
      return Date.now() > typedUntil
    },
    { withinMs: 2 * longerThanIdleMs },
  )
  expect(await stateOf(home)).toBe('unlocked')
  expect(answers()).toBeGreaterThan(3)
  // Nobody types there any more. A program that asks without end is no person, however often it fetches a pass.
  const poller = new PythonClient(home)
  onTestFinished(() => poller.end())
  await poller.pass()
  const said: string[] = []
  await until(
    'a lock, though it asks all the while',
    async () => {
      await home.realKubectl(['get', 'pods', '--context', 'prod-playground'])
      said.push(await poller.again())
      return (await stateOf(home)) === 'locked'
    },
    { withinMs: 60_000 },
  )
  expect(said[0]).toMatch(/^200 /)
  expect(await poller.again()).toMatch(/^0 /)
})
