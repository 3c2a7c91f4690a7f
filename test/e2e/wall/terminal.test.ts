import { expect, test } from 'vitest'
import { makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { TestTerminal, until } from '../../fixtures/terminal.ts'
import { writePolicy } from '../../fixtures/policy.ts'

const prompt = 'ready> '

/** A person's shell in this home. */
async function shellIn(home: TestHome): Promise<TestTerminal> {
  const shell = new TestTerminal(
    '/bin/bash',
    ['--norc', '--noprofile'],
    { ...home.env, PS1: prompt },
    home.home,
  )
  await shell.shows(prompt)
  return shell
}

/** Types a command and waits for the next prompt. @returns what was printed in between. */
async function enter(shell: TestTerminal, line: string, withinMs = 15_000): Promise<string> {
  const from = shell.output.length
  shell.type(`${line}\n`)
  const isBack = (): boolean => shell.output.slice(from + line.length).includes(prompt)
  await until(`the prompt after ${line}`, isBack, { withinMs, now: () => shell.output.slice(from) })
  return shell.output.slice(from)
}

async function stateOf(home: TestHome, policy: string): Promise<string | undefined> {
  const { stdout } = await home.kubeguard(['status', '--json'])
  const { sessions } = JSON.parse(stdout) as { sessions: { policy: string; state: string }[] }
  return sessions.find((session) => session.policy === policy)?.state
}

test('a locked kubectl asks on the terminal, and goes on with the command', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  using shell = await shellIn(home)
  const from = shell.output.length
  shell.type('kubectl get pods\n')
  await shell.shows(/passphrase/i)
  shell.type(`${passphrase}\n`)
  await shell.shows('Running', 15_000)
  await until('the prompt', () => shell.output.slice(from).includes(prompt))
  expect(shell.output).not.toContain(passphrase)
  expect(await enter(shell, 'kubectl get pods; echo code=$?')).toContain('code=0')
})

test('a cancelled prompt refuses the command with 77, once', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  using shell = await shellIn(home)
  shell.type('kubectl get pods; echo code=$?\n')
  await shell.shows(/passphrase/i)
  shell.type('\x03')
  await shell.shows(/code=\d+/)
  expect(shell.output).toContain('code=77')
  expect(shell.output.match(/passphrase for/gi)).toHaveLength(1)
})

test('the real kubectl asks through the plugin, and asks once', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  using shell = await shellIn(home)
  const real = (home.env['PATH'] ?? '').split(':')[1] ?? ''
  shell.type(`${real}/kubectl get pods; echo code=$?\n`)
  await shell.shows(/passphrase/i)
  shell.type(`${passphrase}\n`)
  await shell.shows(/code=\d+/, 15_000)
  expect(shell.output).toContain('Running')
  expect(shell.output).toContain('code=0')
})

test('typing keeps the session open; output does not; a lock ends exec -it and leaves the terminal sane', async () => {
  await using home = makeHome()
  // Input times move in steps of 8 s, so limits below that can't be told apart.
  writePolicy(home, { idle: '12s' })
  await home.startPlayground()
  await home.init()
  using shell = await shellIn(home)
  shell.type('kubectl get pods\n')
  await shell.shows(/passphrase/i)
  shell.type(`${passphrase}\n`)
  await shell.shows('Running', 15_000)
  const typedUntil = Date.now() + 26_000
  await until(
    'a person who types for longer than the limit',
    async () => {
      await enter(shell, 'echo here')
      return Date.now() > typedUntil
    },
    { withinMs: 40_000 },
  )
  expect(await stateOf(home, 'default')).toBe('unlocked')
  shell.type('kubectl exec -it web-0 -- sleep 600; echo code=$?\n')
  await shell.shows(/code=\d+/, 45_000)
  expect(await stateOf(home, 'default')).toBe('locked')
  const settings = await enter(shell, 'stty -a | tr ";" "\\n"')
  expect(settings).toMatch(/[^-]icanon/)
  expect(settings).toMatch(/[^-]echo /)
})
