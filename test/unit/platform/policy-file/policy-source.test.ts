import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { defaultPolicies, strictestPolicies } from '../../../../src/domain/policy.ts'
import { createPolicySource } from '../../../../src/platform/policy-file/create-policy-source.ts'
import type { Log } from '../../../../src/usecases/ports.ts'

const log: Log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() }
let folder: string
let userFile: string
let organisationFile: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubeguard-policy-'))
  userFile = join(folder, 'config.yaml')
  organisationFile = join(folder, 'organisation.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

const text = (name: string, idle: string, contexts = '"*"') =>
  `apiVersion: kubeguard.dev/v1\npolicies:\n  - name: ${name}\n    contexts: [${contexts}]\n    idle: ${idle}\n`
/** What counts as root here: the tests may run as anyone. */
const organisationOwner = process.getuid?.() ?? 0
const source = () => createPolicySource({ userFile, organisationFile, log, organisationOwner })
const idleOf = (policies: ReturnType<ReturnType<typeof source>['current']>) =>
  policies.map(({ name, idleMs }) => `${name} ${idleMs / 1000}`)

it('has the defaults where there is no file', () => {
  expect(source().current()).toEqual(defaultPolicies())
  expect(source().problems()).toEqual([])
  expect(source().files()).toEqual([
    { path: userFile, exists: false, kind: 'user' },
    { path: organisationFile, exists: false, kind: 'organisation' },
  ])
})

it('reads a file when it comes, changes and goes, and says so', () => {
  const policies = source()
  const changed = vi.fn()
  policies.onChange(changed)
  writeFileSync(userFile, text('a', '1m'))
  expect(idleOf(policies.current())).toEqual(['a 60'])
  expect(changed).toHaveBeenCalledTimes(1)
  policies.current()
  expect(changed).toHaveBeenCalledTimes(1)
  rmSync(userFile)
  expect(policies.current()).toEqual(defaultPolicies())
  expect(changed).toHaveBeenCalledTimes(2)
})

it('sees a replaced file of the same size and time', () => {
  writeFileSync(userFile, text('a', '1m'))
  const policies = source()
  writeFileSync(join(folder, 'new'), text('a', '2m'))
  const { atime, mtime } = statSync(userFile)
  utimesSync(join(folder, 'new'), atime, mtime)
  renameSync(join(folder, 'new'), userFile)
  expect(idleOf(policies.current())).toEqual(['a 120'])
})

it('keeps the last good rules while a file is invalid', () => {
  writeFileSync(userFile, text('a', '1m'))
  const policies = source()
  writeFileSync(userFile, text('a', 'forever'))
  expect(idleOf(policies.current())).toEqual(['a 60'])
  expect(policies.problems()).toMatchObject([{ file: userFile, line: 5, severity: 'error' }])
  writeFileSync(userFile, text('a', '3m'))
  expect(idleOf(policies.current())).toEqual(['a 180'])
  expect(policies.problems()).toEqual([])
})

it.each([
  ['is invalid', () => writeFileSync(userFile, 'nonsense')],
  ['is a folder', () => mkdirSync(userFile)],
  ['is no text', () => writeFileSync(userFile, Buffer.from([0xff, 0xfe, 0xfd]))],
  ['is huge', () => writeFileSync(userFile, Buffer.alloc(1024 * 1024 + 1, '#'))],
])('begins with the strictest rules where the file %s', (_name, make) => {
  make()
  const policies = source()
  expect(policies.current()).toEqual(strictestPolicies())
  expect(policies.problems()).toMatchObject([{ file: userFile, severity: 'error' }])
})

it('lets the organisation tighten, and only tighten', () => {
  writeFileSync(userFile, text('mine', '10m'))
  writeFileSync(organisationFile, text('prod', '5m', '"*prod*"'))
  const policies = source()
  expect(idleOf(policies.current())).toEqual(['prod 300', 'mine 600'])
  expect(policies.tightenedBy('mine')).toEqual([])
  expect(policies.tightenedBy('prod')).toEqual(['it is the organisation’s'])
  writeFileSync(organisationFile, text('all', '2m'))
  expect(idleOf(policies.current())).toEqual(['mine 120'])
  expect(policies.tightenedBy('mine')).toEqual(['idle 2m, not 10m'])
  writeFileSync(organisationFile, text('all', '11h'))
  expect(idleOf(policies.current())).toEqual(['mine 600'])
})

it('does not let a file that others can write loosen the organisation’s rules', () => {
  writeFileSync(userFile, text('mine', '10m'))
  writeFileSync(organisationFile, text('all', '2m'))
  chmodSync(organisationFile, 0o666)
  const policies = source()
  expect(policies.current().every(({ idleMs }) => idleMs <= 300_000)).toBe(true)
  expect(policies.problems()).toMatchObject([
    {
      file: organisationFile,
      message: expect.stringMatching(/others/),
      cure: expect.stringMatching(/chmod/),
    },
  ])
  chmodSync(organisationFile, 0o644)
  expect(idleOf(policies.current())).toEqual(['mine 120'])
  expect(policies.problems()).toEqual([])
  chmodSync(organisationFile, 0o664)
  writeFileSync(organisationFile, text('all', '11h'))
  expect(idleOf(policies.current())).toEqual(['mine 120'])
})

it('does not obey an organisation’s file of someone else', () => {
  writeFileSync(organisationFile, text('all', '11h'))
  const policies = createPolicySource({
    userFile,
    organisationFile,
    log,
    organisationOwner: organisationOwner + 1,
  })
  expect(policies.problems()).toMatchObject([
    { file: organisationFile, message: expect.stringMatching(/not root/) },
  ])
  expect(policies.current().every(({ idleMs }) => idleMs <= 300_000)).toBe(true)
})

it('does not obey a policy file that others can write: it names programs to run', () => {
  writeFileSync(userFile, text('mine', '10m'))
  const policies = source()
  writeFileSync(userFile, `${text('mine', '11m')}    onLock: [/tmp/theirs]\n`)
  chmodSync(userFile, 0o620)
  expect(policies.current()).toMatchObject([{ name: 'mine', idleMs: 600_000, onLock: [] }])
  expect(policies.problems()).toMatchObject([
    {
      file: userFile,
      message: 'others may write the policy file',
      cure: expect.stringMatching(/chmod go-w/),
    },
  ])
  expect(source().current()).toEqual(strictestPolicies())
  chmodSync(userFile, 0o640)
  expect(policies.current()).toMatchObject([{ idleMs: 660_000, onLock: ['/tmp/theirs'] }])
})

it('leaves to the user what the organisation does not say', () => {
  writeFileSync(
    userFile,
    `${text('mine', '30m')}    lifetime: 20h\n    finish: 5m\n    absorb: warn\n    materialize: true\n    lockOn: []\n`,
  )
  writeFileSync(
    organisationFile,
    'apiVersion: kubeguard.dev/v1\npolicies:\n  - name: all\n    contexts: ["*"]\n    holders: end\n    lockOn: [disconnect]\n',
  )
  const policies = source()
  expect(policies.current()).toMatchObject([
    {
      name: 'mine',
      idleMs: 30 * 60_000,
      lifetimeMs: 20 * 3_600_000,
      finishMs: 5 * 60_000,
      absorb: 'warn',
      materialize: true,
      holders: 'end',
      lockOn: ['disconnect'],
    },
  ])
  expect(policies.tightenedBy('mine')).toEqual(['holders end, not expire', 'lockOn disconnect too'])
})

it('leaves to the user also what is neither strict nor loose, where the organisation has the policy', () => {
  const mine = '    warn: 2m\n    escape: none\n    pinentry: /usr/bin/pinentry\n    notify: "off"\n'
  writeFileSync(userFile, `${text('mine', '30m', '"prod-*"')}${mine}`)
  writeFileSync(organisationFile, text('theirs', '20m', '"prod-*"'))
  const policies = source()
  expect(policies.current()[0]).toMatchObject({
    name: 'theirs',
    idleMs: 20 * 60_000,
    warnMs: 120_000,
    escape: 'none',
    pinentry: '/usr/bin/pinentry',
    notify: 'off',
  })
  const by = Object.fromEntries(policies.decidedFor('prod-1').map((one) => [one.rule, one.by]))
  expect(by).toMatchObject({ idle: ['organisation'], warn: ['user'], escape: ['user'], pinentry: ['user'] })
  // Nobody says these: not the organisation's word, though it has the policy.
  expect(by).toMatchObject({ lifetime: [], live: [], suspendFor: [], finish: [], absorb: [], hold: [] })
})

it('knows where the file says a rule whose word it is', () => {
  const oidc = '    unlock: [oidc]\n    oidc: {issuer: "https://id.example.com", clientId: x}\n'
  writeFileSync(userFile, `${text('mine', '30m', '"prod-*"')}    unlock: [passphrase]\n    hold: never\n`)
  writeFileSync(organisationFile, `# theirs\n${text('theirs', '40m', '"prod-*"')}${oidc}`)
  const policies = source()
  const [policy] = policies.current()
  expect(policy).toMatchObject({ name: 'theirs', unlock: [{ factor: 'oidc' }] })
  expect(policies.saidAt('prod-*', 'unlock')).toEqual({ file: organisationFile, line: 7, column: 5 })
  expect(policies.saidAt('prod-1', 'hold')).toEqual({ file: userFile, line: 7, column: 5 })
  expect(policies.saidAt('prod-1', 'live')).toBeUndefined()
})

it('says of each rule which file decided it', () => {
  writeFileSync(userFile, `${text('mine', '30m')}    hold: never\n    env: [A]\n`)
  writeFileSync(organisationFile, `${text('all', '10m')}    hold: never\n    env: [B]\n    lifetime: 13h\n`)
  const decided = source().decidedFor('any')
  const rule = (name: string) => decided.find((one) => one.rule === name)
  expect(rule('idle')).toEqual({ rule: 'idle', value: '10m', by: ['organisation'] })
  // The usual 12 hours are shorter than what the organisation asks for, and nobody has said them.
  expect(rule('lifetime')).toEqual({ rule: 'lifetime', value: '12h', by: [] })
  expect(rule('hold')).toEqual({ rule: 'hold', value: 'never', by: ['user', 'organisation'] })
  expect(rule('env')).toEqual({ rule: 'env', value: 'A, B', by: ['user', 'organisation'] })
  expect(rule('holders')).toEqual({ rule: 'holders', value: 'expire', by: [] })
  expect(rule('lockOn')).toEqual({ rule: 'lockOn', value: 'suspend, screen-lock, logout', by: [] })
})

it.each([
  ['that is there', () => writeFileSync(organisationFile, text('all', '11h'))],
  ['that was taken away', () => rmSync(organisationFile, { force: true })],
])('does not obey an organisation’s file %s where others may write its folder', (_name, make) => {
  make()
  writeFileSync(userFile, text('mine', '10m'))
  chmodSync(folder, 0o777)
  const policies = source()
  expect(policies.current().every(({ idleMs }) => idleMs <= 300_000)).toBe(true)
  expect(policies.problems()).toMatchObject([
    { file: organisationFile, message: expect.stringMatching(/may replace/) },
  ])
})

it('sees that a folder is not root’s any more where its file is not there', () => {
  writeFileSync(userFile, text('mine', '10m'))
  const policies = source()
  expect(idleOf(policies.current())).toEqual(['mine 600'])
  chmodSync(folder, 0o777)
  expect(policies.current().every(({ idleMs }) => idleMs <= 300_000)).toBe(true)
  chmodSync(folder, 0o700)
  expect(idleOf(policies.current())).toEqual(['mine 600'])
  expect(policies.problems()).toEqual([])
})
