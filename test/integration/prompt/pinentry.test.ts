import { afterEach, expect, test, vi } from 'vitest'
import { askByPinentry, whyNoPinentry } from '../../../src/client/pinentry.ts'
import { TestTerminal } from '../../fixtures/terminal.ts'

const program = '/usr/bin/pinentry-curses'

afterEach(() => void vi.unstubAllEnvs())

async function emptyTerminal(): Promise<TestTerminal> {
  const terminal = new TestTerminal('/bin/sh', ['-c', 'tty; exec sleep 100000'], { PATH: '/usr/bin:/bin' })
  await terminal.shows(/\/dev\/pts\/\d+/)
  const [path = ''] = /\/dev\/pts\/\d+/.exec(terminal.output) ?? []
  vi.stubEnv('GPG_TTY', path).stubEnv('TERM', 'xterm')
  return terminal
}

test('what is typed comes as it was typed, signs of the protocol among it', async () => {
  using terminal = await emptyTerminal()
  const asked = askByPinentry({ program, text: '50% of it\nand more' })
  await terminal.shows('50% of it')
  terminal.type('a %25 D OK \\ pässword\r')
  expect((await asked).toString()).toBe('a %25 D OK \\ pässword')
})

test('a question that nobody answers ends in its time, and so does one whose program hangs', async () => {
  using terminal = await emptyTerminal()
  await expect(askByPinentry({ program, text: 'anybody', timeLimitMs: 1_000 })).rejects.toMatchObject({
    code: 'unlock-cancelled',
    message: 'nobody typed the passphrase in time',
  })
  expect(terminal.output).toContain('anybody')
  // It reads, and says nothing.
  await expect(
    askByPinentry({ program: '/bin/cat', text: 'anybody', timeLimitMs: 1_000 }),
  ).rejects.toMatchObject({
    code: 'unlock-cancelled',
  })
})

test('without a terminal or a desktop it says so at once', async () => {
  vi.stubEnv('GPG_TTY', '/dev/pts/nowhere').stubEnv('TERM', 'xterm')
  await expect(askByPinentry({ program, text: 'anybody' })).rejects.toMatchObject({
    code: 'unlock-cancelled',
  })
})

test('who looks whether one is there asks it nothing that a person would see', async () => {
  expect(await whyNoPinentry(program)).toBeUndefined()
  expect(await whyNoPinentry('/usr/bin/pinentry-of-no-one')).toBe('is not there')
  expect(await whyNoPinentry('/usr/bin')).toBe('is no program')
  expect(await whyNoPinentry('/bin/true')).toBe('ends without an answer')
  expect(await whyNoPinentry('/bin/cat', 1_000)).toBe('does not answer')
})
