import picocolors from 'picocolors'
import { expect, test } from 'vitest'
import { requestLine } from '../../../src/cli/request-line.ts'

const details = {
  verb: 'delete',
  resource: 'pods',
  namespace: 'shop',
  name: 'web',
  program: 'kubectl',
  pid: 4711,
  code: 200,
  sent: 0,
  received: 1_234,
  ms: 34,
}

const line = (more: object, without: readonly string[] = []): string => {
  const all = Object.entries({ ...details, ...more }).filter(([name]) => !without.includes(name))
  const entry = { wallMs: 0, policy: 'prod', details: Object.fromEntries(all) }
  return requestLine(entry, picocolors.createColors(false)).split('  ').slice(1).join('  ')
}

test('a request is a line that can be read', () => {
  expect(line({})).toBe('prod  kubectl (4711)  delete pods shop/web  200  0 B up, 1.2 kB down  34 ms')
  expect(line({ namespace: '', name: '', resource: '/openapi/v3', ms: 90_000 })).toBe(
    'prod  kubectl (4711)  delete /openapi/v3  200  0 B up, 1.2 kB down  1m30s',
  )
  expect(line({ leftOut: 7 }, ['ms'])).toContain('  under way  7 before it left out')
  expect(line({ times: 12 }, ['ms'])).toContain('  12 more alike')
  expect(line({ program: '', pid: 0, code: 401 })).toContain('prod  no valid pass  ')
  expect(line({}, ['code'])).toContain('  no answer  ')
})
