import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createRequestJournal } from '../../../../src/platform/journal/request-journal.ts'
import { scratch } from '../scratch.ts'

const request = {
  verb: 'delete',
  resource: 'pods',
  namespace: 'shop',
  name: 'web',
  program: 'kubectl',
  pid: 7,
  code: 200,
  sent: 0,
  received: 10,
  durationMs: 34,
}

function open(path: string) {
  const journal = createRequestJournal({ path, now: () => 1_700_000_000_000 })
  onTestFinished(() => journal.close())
  return journal
}

test('there is no file before the first request; then it is kept, and read by another', () => {
  const path = join(scratch(), 'requests.db')
  const journal = open(path)
  expect(journal.read({ limit: 10 })).toEqual([])
  journal.close()
  expect(existsSync(path)).toBe(false)
  journal.record('prod', request)
  const { durationMs: ms, ...facts } = request
  const kept = [
    { seq: 1, wallMs: 1_700_000_000_000, event: 'request', policy: 'prod', details: { ...facts, ms } },
  ]
  expect(journal.read({ limit: 10 })).toEqual(kept)
  journal.close()
  expect(open(path).read({ limit: 10 })).toEqual(kept)
  expect(open(path).read({ limit: 10, policy: 'other' })).toEqual([])
})

test('what a program or an object is named is no line of its own, and no secret', () => {
  const journal = open(join(scratch(), 'requests.db'))
  journal.record('prod', {
    ...request,
    name: 'a\nb\u001b[2J',
    code: undefined,
    durationMs: undefined,
    times: 3,
  })
  const [{ details } = { details: {} }] = journal.read({ limit: 10 })
  expect(details).toMatchObject({ name: 'a b [2J', times: 3 })
  expect(details).not.toHaveProperty('code')
  expect(details).not.toHaveProperty('ms')
})
