import { expect, test } from 'vitest'
import { askedOnce, weaknessOf } from '../../../src/cli/passphrase.ts'

test.each([
  ['short', /at least 10/],
  ['ééééééééé', /at least 10/],
  ['aaaaaaaaaaaaaaa', /repeats/],
  ['abababababab', /repeats/],
  ['abcdefghijkl', /sequence/],
  ['9876543210', /sequence/],
])('%s is too weak', (text, why) => {
  expect(weaknessOf(Buffer.from(text))).toMatch(why)
})

test.each(['correct horse', 'let me try this', 'pässwörter ja'])('%s will do', (text) => {
  expect(weaknessOf(Buffer.from(text))).toBeUndefined()
})

test('a passphrase asked once is given as often as wanted, until it is forgotten', async () => {
  const given: Buffer[] = []
  const ask = async (): Promise<Buffer> => {
    given.push(Buffer.from(`answer ${given.length + 1}`))
    return given.at(-1) as Buffer
  }
  const source = askedOnce({ onTerminal: true, ask, askNew: ask })
  const first = await source.ask('')
  first.fill(0)
  expect((await source.ask('')).toString()).toBe('answer 1')
  source.forget()
  expect(given[0]?.every((byte) => byte === 0)).toBe(true)
  expect((await source.ask('')).toString()).toBe('answer 2')
})
