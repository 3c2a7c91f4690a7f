import { expect, test } from 'vitest'
import { weaknessOf } from '../../../src/cli/passphrase-strength.ts'

test.each([
  ['short', /at least 10/],
  ['ééééééééé', /at least 10/],
  ['aaaaaaaaaaaaaaa', /repeats/],
  ['abababababab', /repeats/],
  ['abcdefghijkl', /sequence/],
  ['9876543210', /sequence/],
  ['qwertyuiop', /people use most/],
  ['Password123!', /close to a password/],
  ['iloveyou12345', /close to a password/],
  ['P@ssw0rd2026', /easy to guess/],
  ['kubernetes1', /by name/],
])('%s is too weak', async (text, wrong) => {
  expect(await weaknessOf(Buffer.from(text))).toEqual({
    wrong: expect.stringMatching(wrong),
    better: expect.stringContaining('four or more random words'),
  })
})

test('a long one is not looked at for long', async () => {
  expect(await weaknessOf(Buffer.from('lamp zebra unlikely '.repeat(50)))).toBeUndefined()
})

test.each([
  'correct horse battery staple',
  'correct horse',
  'let me try this',
  'pässwörter ja',
  '犬が猫を追いかけて木に登る',
])('%s will do', async (text) => {
  expect(await weaknessOf(Buffer.from(text))).toBeUndefined()
})
