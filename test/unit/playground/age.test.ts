import { expect, test } from 'vitest'
import { ageOf } from '../../../src/playground/age.ts'

const hour = 3600
const day = 24 * hour

// What k8s.io/apimachinery's HumanDuration prints.
test.each([
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [599, '9m59s'],
  [600, '10m'],
  [3 * hour - 1, '179m'],
  [3 * hour + 60, '3h1m'],
  [8 * hour, '8h'],
  [2 * day - 1, '47h'],
  [2 * day + 5 * hour, '2d5h'],
  [8 * day, '8d'],
])('%i s ago is %s', (seconds, age) => {
  const nowMs = Date.parse('2030-01-01T00:00:00Z')
  expect(ageOf(new Date(nowMs - seconds * 1000).toISOString(), nowMs)).toBe(age)
})

test('no timestamp has no age', () => expect(ageOf(undefined)).toBe('<unknown>'))
