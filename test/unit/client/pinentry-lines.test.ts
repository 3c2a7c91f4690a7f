import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { AssuanLines, escaped } from '../../../src/client/pinentry-lines.ts'

function answersTo(chunks: readonly (string | Buffer)[]) {
  const from = new PassThrough()
  const lines = new AssuanLines(from)
  for (const chunk of chunks) from.write(chunk)
  return lines
}

test('data comes unescaped with the line that ends it, however it is cut', async () => {
  const text =
    'OK hello\n# comment\nS STATUS\nD 50%25 of%0Aé\nD  more\nOK\nERR 83886179 cancelled <Pinentry>\n'
  const bytes = Buffer.from(text)
  for (const size of [1, 2, 7, 1_000]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      Buffer.from(bytes.subarray(index * size, (index + 1) * size)),
    )
    const lines = answersTo(chunks)
    expect(await lines.answer()).toMatchObject({ ok: true, code: 0 })
    const answer = await lines.answer()
    expect([answer.ok, answer.data.toString()]).toEqual([true, '50% of\né more'])
    expect(await lines.answer()).toMatchObject({ ok: false, code: 99 })
  }
})

test('what is read leaves no copy in the chunk it came in, and is bounded', async () => {
  const chunk = Buffer.from('D secret words\nOK\n')
  const lines = answersTo([chunk, 'D '.concat('x'.repeat(100_000), '\nOK\n')])
  expect((await lines.answer()).data.toString()).toBe('secret words')
  expect(chunk.toString()).not.toContain('secret')
  expect((await lines.answer()).data.length).toBeLessThan(5_000)
})

test('text for a command stays on its line', () => {
  expect(escaped('50%\nGETPIN\x7f é')).toBe('50%25%0aGETPIN%7f é')
})
