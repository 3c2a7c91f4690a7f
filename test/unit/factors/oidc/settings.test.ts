import { describe, expect, test } from 'vitest'
import { readUnlock } from '../../../../src/domain/policy-unlock.ts'
import { isAllowed, isLoopback, placesOf, withPort } from '../../../../src/factors/oidc/settings/loopback.ts'

const right = { issuer: 'https://id.example.com/realms/corp', clientId: 'kubernetes' }

function read(oidc: unknown, unlock: unknown = ['oidc']) {
  const problems: string[] = []
  const raw = { unlock, ...(oidc !== undefined && { oidc }) }
  const settings = readUnlock(raw, (path, message) => void problems.push(`${path.join('.')}: ${message}`))
  return { settings: settings[0], problems }
}

describe('the settings of oidc', () => {
  test('are the issuer and the client, and kubelogin’s redirects unless others are said', () => {
    expect(read(right)).toEqual({
      settings: {
        factor: 'oidc',
        ...right,
        scopes: [],
        redirect: ['http://localhost:8000', 'http://localhost:18000'],
        withinMs: 300_000,
      },
      problems: [],
    })
  })

  test('may be said in full', () => {
    const more = {
      scopes: ['email'],
      redirect: ['http://127.0.0.1'],
      ca: '/etc/ca.pem',
      clientSecretFile: '/s',
    }
    expect(read({ ...right, ...more, within: '3m' }).settings).toMatchObject({ ...more, withinMs: 180_000 })
  })

  test.each([
    ['none', undefined, /^oidc has no settings|: oidc has no settings/],
    ['no mapping', 'https://id.example.com', /^oidc: oidc has no settings/],
    ['no issuer', { clientId: 'kubernetes' }, /^oidc: oidc has no issuer/],
    ['an issuer without TLS', { ...right, issuer: 'http://id.example.com' }, /^oidc\.issuer: /],
    ['an issuer with a query', { ...right, issuer: 'https://id.example.com/?a=b' }, /^oidc\.issuer: /],
    ['no client', { issuer: right.issuer }, /^oidc: oidc has no clientId/],
    [
      'a redirect to elsewhere',
      { ...right, redirect: ['http://elsewhere.example:8000'] },
      /^oidc\.redirect: /,
    ],
    ['no redirect', { ...right, redirect: [] }, /^oidc\.redirect: /],
    ['a redirect with TLS', { ...right, redirect: ['https://localhost:8000'] }, /^oidc\.redirect: /],
    ['a scope that is none', { ...right, scopes: ['two words'] }, /^oidc\.scopes: /],
    ['a relative path', { ...right, ca: 'ca.pem' }, /^oidc\.ca: /],
    ['no time at all', { ...right, within: '1s' }, /^oidc\.within: /],
    ['what is not known', { ...right, client: 'x' }, /^oidc\.client: .* is not known/],
    ['a client’s secret', { ...right, clientSecret: 'x' }, /^oidc\.clientSecret: .*does not belong/],
    ['a relative path of one', { ...right, clientSecretFile: 'x' }, /^oidc\.clientSecretFile: /],
  ])('%s is refused at its place', (_, oidc, message) => {
    expect(read(oidc).problems).toEqual(expect.arrayContaining([expect.stringMatching(message)]))
  })

  test('without the factor are a mistake, and so is it beside the passphrase', () => {
    expect(read(right, ['passphrase']).problems).toEqual([
      expect.stringMatching(/^oidc: .* unlock does not list oidc/),
    ])
    expect(read(right, ['passphrase', 'oidc']).problems).toEqual([
      expect.stringMatching(/one of passphrase, oidc/),
    ])
  })
})

describe('a redirect', () => {
  test.each(['http://localhost:8000', 'http://localhost', 'http://127.0.0.1:80/x', 'http://[::1]:8000/'])(
    '%s is on this machine',
    (redirect) => expect(isLoopback(redirect)).toBe(true),
  )

  test.each([
    'https://localhost',
    'http://localhost.example',
    'http://user@localhost',
    'http://localhost/?a',
    'http://0.0.0.0',
    'http://127.0.0.2',
    'localhost:8000',
  ])('%s is not', (redirect) => expect(isLoopback(redirect)).toBe(false))

  test('of localhost is listened for on both of its addresses', () => {
    expect(placesOf('http://localhost:8000/x')).toEqual({ hosts: ['127.0.0.1', '::1'], port: 8000 })
    expect(placesOf('http://127.0.0.1')).toEqual({ hosts: ['127.0.0.1'], port: 0 })
    expect(placesOf('http://localhost:80').port).toBe(80)
  })

  test('that says no port may have any, and no other change', () => {
    expect(withPort('http://127.0.0.1/back', 4711)).toBe('http://127.0.0.1:4711/back')
    expect(withPort('http://localhost:8000', 4711)).toBe('http://localhost:8000')
    expect(isAllowed('http://127.0.0.1:4711/back', ['http://127.0.0.1/back'])).toBe(true)
    expect(isAllowed('http://127.0.0.1:4711/other', ['http://127.0.0.1/back'])).toBe(false)
    expect(isAllowed('http://localhost:8001', ['http://localhost:8000'])).toBe(false)
    expect(isAllowed('http://evil.example:8000', ['http://localhost:8000'])).toBe(false)
  })
})
