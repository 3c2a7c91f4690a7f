import { expect, it } from 'vitest'
import { readCommands } from '../../../src/domain/policy-commands.ts'

function problemsOf(raw: unknown): string[] {
  const problems: string[] = []
  readCommands('onLock', raw, (path, message) => problems.push(`${path.join('.')}: ${message}`))
  return problems
}

it('takes commands for a shell', () => {
  expect(problemsOf(['aws sso logout', 'test -d x && rm -rf x'])).toEqual([])
  expect(readCommands('onMisuse', undefined, () => undefined)).toEqual([])
})

it.each([
  ['aws sso logout', ['onLock: onLock must be a list of at most 16 commands']],
  [Array.from({ length: 17 }, () => 'true'), ['onLock: onLock must be a list of at most 16 commands']],
  [['true', ''], ['onLock.1: "" is no command']],
  [['  '], ['onLock.0: "  " is no command']],
  [[['aws', 'sso']], ['onLock.0: "["aws","sso"]" is no command']],
  [['a\0b'], ['onLock.0: "a b" is no command']],
  [['x'.repeat(4_097)], [expect.stringContaining('is no command')]],
])('refuses %j', (raw, problems) => {
  expect(problemsOf(raw)).toEqual(problems)
})
