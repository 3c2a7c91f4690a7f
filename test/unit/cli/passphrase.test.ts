import { expect, test } from 'vitest'
import { askedOnce } from '../../../src/cli/passphrase.ts'

test('a passphrase asked once is given as often as wanted, until it is forgotten', async () => {
  const given: Buffer[] = []
  const ask = async (): Promise<Buffer> => {
    given.push(Buffer.from(`answer ${given.length + 1}`))
    return given.at(-1) as Buffer
  }
  const source = askedOnce({ onTerminal: true, asksPerson: true, ask, askNew: ask })
  const first = await source.ask('')
  first.fill(0)
  expect((await source.ask('')).toString()).toBe('answer 1')
  source.forget()
  expect(given[0]?.every((byte) => byte === 0)).toBe(true)
  expect((await source.ask('')).toString()).toBe('answer 2')
})
