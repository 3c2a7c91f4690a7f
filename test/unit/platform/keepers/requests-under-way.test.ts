import { expect, test } from 'vitest'
import { RequestsUnderWay } from '../../../../src/platform/keepers/requests-under-way.ts'

const about = { verb: 'delete', resource: 'pods', namespace: 'shop', name: 'web', program: 'k9s', pid: 7 }
const request = { ...about, code: undefined, sent: 0, received: 0, durationMs: undefined } as never

test('what has begun and was not heard of again is recorded when the line ends, once', () => {
  const recorded: object[] = []
  const underWay = new RequestsUnderWay((one) => recorded.push(one))
  const hear = (more: object): void => underWay.hear(Object.assign({}, request, more))
  hear({ number: 1, phase: 'begun' })
  hear({ number: 2, phase: 'begun' })
  hear({ number: 3, phase: 'begun' })
  hear({ number: 1, code: 200, durationMs: 5 })
  hear({ number: 2, phase: 'over' })
  hear({ code: 403 })
  expect(recorded).toMatchObject([{ code: 200 }, { code: 403 }])
  underWay.end()
  underWay.end()
  expect(recorded).toHaveLength(3)
  expect(recorded[2]).toEqual(request)
})
