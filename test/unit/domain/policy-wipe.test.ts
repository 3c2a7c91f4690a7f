import { describe, expect, it } from 'vitest'
import { placesOfWipe, readWipe } from '../../../src/domain/policy-wipe.ts'

function problemsOf(raw: unknown): string[] {
  const problems: string[] = []
  readWipe(raw, (_, message) => problems.push(message))
  return problems
}

describe('wipe', () => {
  it('takes names of caches, paths and globs below the home', () => {
    const entries = [
      'kubelogin',
      'tsh',
      '~/.cache/tool/token.json',
      '~/.cache/*/token-?.json',
      '~/.cache/tool/',
    ]
    expect(problemsOf(entries)).toEqual([])
    expect(placesOfWipe([...entries, '~/.tsh/keys'])).toEqual([
      '.kube/cache/oidc-login',
      '.tsh/keys',
      '.cache/tool/token.json',
      '.cache/*/token-?.json',
      '.cache/tool',
    ])
  })

  it.each([
    ['aws', '"aws" is no cache'],
    ['/etc/passwd', '"/etc/passwd" is no cache'],
    ['~', '"~" is no cache'],
    ['~/', '"~/" is not a plain path'],
    ['~root/x', '"~root/x" is no cache'],
    ['~/.cache', '"~/.cache" is not below a folder of the home'],
    ['~/*/token', '"~/*/token" begins with a glob'],
    ['~/.cache/../.ssh/id', '"~/.cache/../.ssh/id" is not a plain path'],
    ['~/.cache//x', '"~/.cache//x" is not a plain path'],
    ['~/.cache/**/x', '"~/.cache/**/x" is not a plain path'],
    ['~/.kube/config', 'a lock does not wipe kubeconfigs: adopt them'],
    [3, '"3" is no cache'],
  ])('refuses %j', (entry, problem) => {
    expect(problemsOf([entry])).toEqual([problem])
  })

  it('refuses what is no list, or too long a one', () => {
    expect(problemsOf('kubelogin')).toHaveLength(1)
    expect(problemsOf(Array.from({ length: 65 }, () => 'tsh'))).toHaveLength(1)
  })
})
