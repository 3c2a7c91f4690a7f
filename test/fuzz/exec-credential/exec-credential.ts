import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { GuardError } from '../../../src/domain/errors.ts'
import { buildExecCredential } from '../../../src/keeper/exec-credential.ts'
import type { WrappedItem } from '../../../src/keeper/wrapped/identity.ts'
import { readAnswer } from '../../../src/keeper/wrapped/read-answer.ts'
import { kubectl } from '../../fixtures/tools.ts'
import { Recorder } from '../argv/recorder.ts'
import { mutated } from '../mutate.ts'
import { hold } from '../target.ts'
import type { Target } from '../target.ts'

const apiVersion = 'client.authentication.k8s.io/v1'
const secret = 'sEcReT-0123456789'

const item: WrappedItem = {
  id: 'p.a-1',
  user: 'u',
  policy: 'p',
  file: '/x/config',
  contexts: ['a'],
  original: undefined,
  adoptedAtMs: 0,
  exec: {
    command: 'x-plugin',
    args: [],
    env: [],
    apiVersion: 'v1',
    interactiveMode: 'Never',
    provideClusterInfo: false,
  },
}

const time = fc.constantFrom<unknown>(
  '2100-01-01T00:00:00Z',
  '2100-01-01T00:00:00.123456789+14:00',
  '2100-02-30T00:00:00Z',
  '2100-13-01T00:00:00Z',
  '2000-01-01T00:00:00Z',
  '2100-01-01T24:00:00Z',
  '2100-01-01T23:59:60Z',
  '2100-01-01T00:00:00+99:99',
  '2100-01-01 00:00:00Z',
  '2100-01-01t00:00:00z',
  '',
  '9999-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '2100-02-29T00:00:00Z',
  '2100-01-01T00:00:00+24:00',
  '2100-01-01T00:00:00-23:60',
  null,
  0,
  4102444800,
  true,
  {},
  [],
)
const usualTime = fc.oneof({ weight: 2, arbitrary: fc.constant<unknown>('2100-01-01T00:00:00Z') }, time)
const word = fc.constantFrom<unknown>(
  secret,
  `${secret}.e30.x`,
  `${secret}\n`,
  `ü${secret}`,
  '',
  null,
  1,
  [secret],
  { secret },
)
const answer = fc.record(
  {
    kind: fc.oneof(
      { weight: 9, arbitrary: fc.constant<unknown>('ExecCredential') },
      fc.constantFrom<unknown>('execcredential', 'Pod', '', null),
    ),
    apiVersion: fc.oneof(
      { weight: 9, arbitrary: fc.constant<unknown>(apiVersion) },
      fc.constantFrom<unknown>(`${apiVersion}beta1`, 'v1', '', null),
    ),
    spec: fc.constantFrom<unknown>({ interactive: false }, {}, null, [], 'x'),
    status: fc.oneof(
      {
        weight: 12,
        arbitrary: fc.record(
          { token: fc.constant(secret), expirationTimestamp: usualTime },
          { requiredKeys: ['token'] },
        ) as fc.Arbitrary<unknown>,
      },
      {
        weight: 3,
        arbitrary: fc.record(
          { token: word, expirationTimestamp: time, clientKeyData: word, clientCertificateData: word },
          { requiredKeys: [] },
        ) as fc.Arbitrary<unknown>,
      },
      fc.constantFrom<unknown>(null, [], secret, {}),
    ),
    more: fc.constantFrom<unknown>({ token: secret }, null),
  },
  { requiredKeys: ['kind', 'apiVersion', 'status'], noNullPrototype: true },
)

type Respell = (text: string) => string
const asItIs: Respell = (text) => text
const respell = fc.constantFrom<Respell>(
  ...Array.from({ length: 12 }, () => asItIs),
  (text) => text.replace('"token"', '"Token"'),
  (text) => text.replace('"kind"', '"KIND"'),
  (text) => text.replace('"status":{', '"status":{"token":"first",'),
  (text) => `\ufeff${text}`,
  (text) => `${text}{}`,
  (text) => `${text}\n\n`,
  (text) => text.replace(/}$/, ''),
  (text) => `# said\n${text}`,
  (text) =>
    `kind: ExecCredential\napiVersion: ${apiVersion}\nstatus: {token: ${secret}}\n${text.slice(0, 0)}`,
  (text) => text.replace('{', `{"__proto__":{"status":{"token":"${secret}"}},`),
  (text) => text.replace('{', `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)},`),
)

const output = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(answer, respell).map(([value, write]) => Buffer.from(write(JSON.stringify(value)))),
  },
  mutated(fc.tuple(answer, respell).map(([value, write]) => Buffer.from(write(JSON.stringify(value))))),
)

/** @returns what would be given out, or why nothing is */
function read(bytes: Buffer): WrappedItem | GuardError {
  const nowMs = Date.now()
  try {
    const given = readAnswer(item, bytes, nowMs)
    // What is taken can also be given: it ends at a time that is one.
    buildExecCredential(given, 'v1', { wallMs: nowMs, lifetimeWallMs: nowMs + 3_600_000 })
    return given
  } catch (error) {
    if (!(error instanceof GuardError)) throw error
    assert.equal(error.code, 'plugin-failed')
    assert.ok(
      !`${error.message} ${error.cure}`.includes(secret.slice(0, 6)),
      'a message has a part of the token',
    )
    return error
  }
}

/** The real client-go, with a plugin that prints these bytes. */
class Client {
  readonly #folder = mkdtempSync(join(tmpdir(), 'kg-fuzz-exec-'))
  readonly recorder = new Recorder()

  /** @returns the tokens that it sent; undefined where it asked nobody */
  async tokensFor(bytes: Buffer): Promise<readonly (string | undefined)[] | undefined> {
    const printed = join(this.#folder, 'printed')
    writeFileSync(printed, bytes)
    const exec = { apiVersion, command: '/bin/cat', args: [printed], interactiveMode: 'Never' }
    const config = {
      'apiVersion': 'v1',
      'kind': 'Config',
      'current-context': 'a',
      'contexts': [{ name: 'a', context: { cluster: 'c', user: 'u' } }],
      'clusters': [
        { name: 'c', cluster: { 'server': this.recorder.address('c'), 'insecure-skip-tls-verify': true } },
      ],
      'users': [{ name: 'u', user: { exec } }],
    }
    const file = join(this.#folder, 'config')
    writeFileSync(file, JSON.stringify(config))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const env = { HOME: this.#folder, PATH: '/bin', KUBECONFIG: file }
    const child = spawn(kubectl(), ['get', '--raw', '/version'], { env, stdio: 'ignore' })
    child.on('error', reject)
    child.on('close', () => resolve())
    await promise
    const seen = this.recorder.take()
    return seen.length === 0 ? undefined : seen.map(({ token }) => token)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.recorder.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** One answer of so many is shown to kubectl as well. */
const kubectlEvery = 50

export const execCredential: Target = {
  name: 'exec-credential',
  about: 'what a wrapped plugin may print: taken only where client-go takes it, and never quoted',
  shortRuns: 150,
  async run(effort) {
    await using client = new Client()
    await client.recorder.listen(['c'])
    const counts = { answers: 0, taken: 0, refused: 0, compared: 0, stricter: 0 }
    const property = fc.asyncProperty(output, fc.nat({ max: kubectlEvery - 1 }), async (bytes, drawn) => {
      const ours = read(bytes)
      counts.answers += 1
      counts[ours instanceof GuardError ? 'refused' : 'taken'] += 1
      if (drawn !== 0) return
      counts.compared += 1
      const tokens = await client.tokensFor(bytes)
      if (ours instanceof GuardError) counts.stricter += tokens === undefined ? 0 : 1
      // A line end in a header is refused after the answer was taken.
      else if (ours.token !== undefined && !/[^\x20-\x7e]/.test(ours.token))
        assert.equal(tokens?.[0], ours.token.trim())
    })
    await hold(property, effort)
    return { ...counts }
  },
}
