import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import type { WrappedExec } from '../../../src/domain/exec-plugins.ts'
import { sealPending } from '../../../src/platform/vault/seal-pending.ts'
import { FrameReader } from '../../../src/protocol/channel.ts'
import { decodeError, decodeReply, encodeRequest } from '../../../src/protocol/frame.ts'
import { errorId } from '../../../src/protocol/messages.ts'
import type { ReplyOf, RequestOf } from '../../../src/protocol/messages.ts'
import type { Keeper } from '../../../src/usecases/ports.ts'
import { isRunning } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { item, KeeperHome, unlocked } from './keeper-home.ts'
import { giveTicket, self } from './talk.ts'

const exec: WrappedExec = {
  apiVersion: 'v1',
  command: 'cloud-login',
  args: ['get-token', 'two words'],
  env: [{ name: 'CLOUD_SECRET', value: 'hush' }],
  interactiveMode: 'IfAvailable',
  provideClusterInfo: true,
  installHint: 'get it\u001b[31m from the cloud',
}

type Asked = 'keeper.issue' | 'keeper.share' | 'keeper.deliver'
type Answer<Name extends Asked> =
  | ReplyOf<Name>
  | { readonly code: string; readonly message: string; readonly cure: string }

/** A client of the keeper's, on one connection. */
class Client {
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  readonly #frames: ReturnType<FrameReader['push']> = []
  readonly #wake: (() => void)[] = []
  closed = false

  constructor(path: string) {
    this.#socket = connect(path)
    this.#socket.on('error', () => {})
    this.#socket.on('data', (chunk: Buffer) => {
      this.#frames.push(...this.#reader.push(chunk))
      for (const wake of this.#wake.splice(0)) wake()
    })
    this.#socket.on('close', () => {
      this.closed = true
      for (const wake of this.#wake.splice(0)) wake()
    })
    onTestFinished(() => void this.#socket.destroy())
  }

  async ask<Name extends Asked>(name: Name, request: RequestOf<Name>): Promise<Answer<Name>> {
    this.#socket.write(encodeRequest(name, request))
    while (this.#frames.length === 0 && !this.closed)
      await new Promise<void>((resolve) => void this.#wake.push(resolve))
    const frame = this.#frames.shift()
    if (frame === undefined) throw new Error('closed')
    return frame.id === errorId ? decodeError(frame.body) : (decodeReply(name, frame.body) as Answer<Name>)
  }

  leave(): void {
    this.#socket.destroy()
  }
}

async function wrappedHome(changes: Partial<WrappedExec> = {}): Promise<Keeper> {
  const home = await KeeperHome.make({ empty: true })
  const { token: _, ...rest } = item
  await sealPending(home.vaultsDir, { ...rest, exec: { ...exec, ...changes } })
  return unlocked(home)
}

/** A client up to where it has said who it is. */
async function come(keeper: Keeper): Promise<Client> {
  const client = new Client(keeper.socket)
  const ticket = await giveTicket(keeper, 'issue', item.id)
  expect(await client.ask('keeper.issue', { ticket, apiVersion: 'v1' })).toEqual({})
  return client
}

const share = (
  environment: string[] = [],
  more: Partial<RequestOf<'keeper.share'>> = {},
): RequestOf<'keeper.share'> => ({
  apiVersion: 'v1',
  environment: environment.map((variable) => Buffer.from(variable)),
  cwd: Buffer.from('/'),
  ttys: 0,
  ...more,
})

const answer = (status: object, more: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
      status,
      ...more,
    }),
  )

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()
const delivery = (output: Buffer): RequestOf<'keeper.deliver'> => ({ outcome: 'exited', code: 0, output })
const good = (): RequestOf<'keeper.deliver'> =>
  delivery(answer({ token: 'of-the-cloud', expirationTimestamp: inMs(3_600_000) }))

const statusOf = (reply: object): { token?: string; expirationTimestamp: string } & Record<string, string> =>
  JSON.parse(String((reply as { execCredential: Buffer }).execCredential)).status

async function toldToRun(keeper: Keeper, ...rest: Parameters<typeof share>): Promise<Client> {
  const client = await come(keeper)
  expect(await client.ask('keeper.share', share(...rest))).toHaveProperty('program')
  return client
}

test('the first is told to run it, with everything it was entered with', async () => {
  const client = await come(await wrappedHome())
  const info = {
    kind: 'ExecCredential',
    apiVersion: 'x/v1beta1',
    spec: { cluster: { server: 'https://k' }, interactive: true },
  }
  const word = (await client.ask(
    'keeper.share',
    share([`KUBERNETES_EXEC_INFO=${JSON.stringify(info)}`]),
  )) as ReplyOf<'keeper.share'>
  expect(word).toMatchObject({ program: Buffer.from('cloud-login'), interactive: true, limitMs: 190_000 })
  expect(String(word.argv)).toBe('cloud-login\0get-token\0two words\0')
  const told = `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":{"server":"https://k"},"interactive":true}}`
  expect(String(word.environment)).toBe(`CLOUD_SECRET=hush\0KUBERNETES_EXEC_INFO=${told}\0`)
  const given = statusOf(await client.ask('keeper.deliver', good()))
  expect(given.token).toBe('of-the-cloud')
  const leftMs = Date.parse(given.expirationTimestamp) - Date.now()
  expect(leftMs).toBeLessThanOrEqual(60_000)
  await until('the end of the connection', () => client.closed)
})

test('many at once: one runs, all the others have its answer, in their own version', async () => {
  const keeper = await wrappedHome()
  const runner = await toldToRun(keeper)
  const others = await Promise.all(Array.from({ length: 90 }, () => come(keeper)))
  const answers = others.map((other) => other.ask('keeper.share', share([], { apiVersion: 'v1beta1' })))
  await runner.ask('keeper.deliver', good())
  for (const given of await Promise.all(answers)) {
    expect(statusOf(given).token).toBe('of-the-cloud')
    expect(String((given as ReplyOf<'keeper.share'>).execCredential)).toContain('/v1beta1"')
  }
})

test(
  'who waits for long is told to ask again, and does so on the same connection',
  { timeout: 60_000 },
  async () => {
    const keeper = await wrappedHome()
    const runner = await toldToRun(keeper)
    const other = await come(keeper)
    expect(await other.ask('keeper.share', share())).toEqual({ interactive: false })
    const again = other.ask('keeper.share', share())
    await runner.ask('keeper.deliver', good())
    expect(statusOf(await again).token).toBe('of-the-cloud')
  },
)

test('of many that wait for a runner that is gone one runs, and the others have its answer', async () => {
  const keeper = await wrappedHome()
  const runner = await toldToRun(keeper)
  const others = await Promise.all(Array.from({ length: 20 }, () => come(keeper)))
  const told: Client[] = []
  const answers = others.map(async (other) => {
    const said = await other.ask('keeper.share', share())
    if ('program' in said) told.push(other)
    else expect(statusOf(said).token).toBe('of-the-cloud')
  })
  runner.leave()
  const [next] = await until('another runner', () => (told.length > 0 ? told : undefined))
  await next?.ask('keeper.deliver', good())
  await Promise.all(answers)
  expect(told).toHaveLength(1)
})

test('a runner that is gone gives its turn to the next one', async () => {
  const keeper = await wrappedHome()
  const runner = await toldToRun(keeper)
  const next = await come(keeper)
  const told = next.ask('keeper.share', share())
  runner.leave()
  expect(await told).toHaveProperty('program')
  expect(statusOf(await next.ask('keeper.deliver', good())).token).toBe('of-the-cloud')
})

describe('what fails', () => {
  test.each([
    [{ outcome: 'exited', code: 255 }, 'cloud-login failed with exit code 255'],
    [{ outcome: 'killed', code: 9 }, 'cloud-login was ended by signal 9'],
    [{ outcome: 'late', code: 5_000 }, 'cloud-login was ended: it took longer than 5 s'],
    [{ outcome: 'endless', code: 0 }, 'cloud-login was ended: it printed more than a credential can be'],
    [{ outcome: 'missing', code: 0 }, 'cloud-login can’t be found'],
  ])('%j', async (outcome, message) => {
    const keeper = await wrappedHome()
    const runner = await toldToRun(keeper)
    const waiting = await come(keeper)
    const told = waiting.ask('keeper.share', share())
    const failure = { code: 'plugin-failed', message }
    expect(await runner.ask('keeper.deliver', { ...outcome, output: Buffer.alloc(0) })).toMatchObject(failure)
    expect(await told, 'whoever waited').toMatchObject(failure)
    // Client-go tries up to five times: this process was there when it failed.
    expect(await (await come(keeper)).ask('keeper.share', share()), 'a second try').toMatchObject(failure)
  })

  test('a program that is missing: its own hint, without control characters', async () => {
    const runner = await toldToRun(await wrappedHome())
    const missing = { outcome: 'missing', code: 0, output: Buffer.alloc(0) }
    expect(await runner.ask('keeper.deliver', missing)).toMatchObject({ cure: 'get it [31m from the cloud' })
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['no JSON', Buffer.from('Please log in: secret-text')],
    ['a bare token', Buffer.from('"secret-text"')],
    ['more behind it', Buffer.concat([answer({ token: 'secret-text' }), Buffer.from(' and more')])],
    ['another kind', answer({ token: 'secret-text' }, { kind: 'Secret' })],
    [
      'another version',
      answer({ token: 'secret-text' }, { apiVersion: 'client.authentication.k8s.io/v1beta1' }),
    ],
    ['no status', answer({}, { status: null })],
    ['a spec that is none', answer({ token: 'secret-text' }, { spec: 'x' })],
    [
      'what is nested deeper than client-go reads',
      answer({ token: 'secret-text' }, { deep: JSON.parse('['.repeat(10_001) + ']'.repeat(10_001)) }),
    ],
    ['a spec that is a list', answer({ token: 'secret-text' }, { spec: [] })],
    ['neither token nor certificate', answer({ expirationTimestamp: inMs(9_999) })],
    ['a certificate without a key', answer({ token: 'secret-text', clientCertificateData: 'x' })],
    ['a certificate that is none', answer({ clientCertificateData: 'secret-text', clientKeyData: 'x' })],
    ['a token that is a number', answer({ token: 42 })],
    ['an end that is no time', answer({ token: 'secret-text', expirationTimestamp: 'tomorrow' })],
    ['an end on no day', answer({ token: 'secret-text', expirationTimestamp: '2100-02-30T00:00:00Z' })],
    ['an end nowhere', answer({ token: 'secret-text', expirationTimestamp: '2100-01-01T00:00:00+24:00' })],
    ['an end that is past', answer({ token: 'secret-text', expirationTimestamp: inMs(-1_000) })],
  ])('an answer that is %s is refused, and never quoted', async (_what, output) => {
    const runner = await toldToRun(await wrappedHome())
    const said = await runner.ask('keeper.deliver', delivery(output))
    expect(said).toMatchObject({ code: 'plugin-failed' })
    expect(JSON.stringify(said)).not.toContain('secret-text')
  })

  test('where it wants a terminal and there is none, it is not run', async () => {
    const client = await come(await wrappedHome({ interactiveMode: 'Always' }))
    expect(await client.ask('keeper.share', share())).toMatchObject({
      code: 'plugin-failed',
      message: 'cloud-login wants a terminal as its input',
    })
  })
})

describe('whom it speaks for', () => {
  const shared = async (keeper: Keeper, ...rest: Parameters<typeof share>): Promise<boolean> => {
    const client = await come(keeper)
    const said = await client.ask('keeper.share', share(...rest))
    client.leave()
    return 'execCredential' in said
  }

  test('of an unknown plugin any variable and the folder may matter, but those of terminals don’t', async () => {
    const keeper = await wrappedHome()
    const base = ['HOME=/h', 'ACCOUNT=work', 'PATH=/bin']
    const runner = await toldToRun(keeper, base)
    await runner.ask('keeper.deliver', good())
    expect(await shared(keeper, base)).toBe(true)
    expect(await shared(keeper, base.toReversed())).toBe(true)
    expect(
      await shared(keeper, [...base, 'TERM=xterm', 'TMUX=1', 'PWD=/x', '_=/bin/k', 'KUBEGUARD_PROMPT=never']),
    ).toBe(true)
    for (const other of [['HOME=/other', ...base.slice(1)], [...base, 'MORE=1'], base.slice(0, 2)])
      expect({ other, shared: await shared(keeper, other) }).toEqual({ other, shared: false })
    expect(await shared(keeper, base, { cwd: Buffer.from('/tmp') })).toBe(false)
    const info = `KUBERNETES_EXEC_INFO=${JSON.stringify({ spec: { cluster: { server: 'https://other' } } })}`
    expect(await shared(keeper, [...base, info]), 'another cluster').toBe(false)
    expect(await shared(keeper, [...base, 'CLOUD_SECRET=what the entry sets anyway'])).toBe(true)
  })

  test('of a known one what is known to matter, and whose log-in lies in its files', async () => {
    const home = mkdtempSync(join(tmpdir(), 'kg-aws-'))
    onTestFinished(() => rmSync(home, { recursive: true }))
    mkdirSync(join(home, '.aws', 'sso', 'cache'), { recursive: true })
    const keeper = await wrappedHome({ command: '/usr/bin/aws', env: [], provideClusterInfo: false })
    const base = [`HOME=${home}`, 'AWS_PROFILE=work', 'ACCOUNT=any']
    const runner = await toldToRun(keeper, base)
    await runner.ask('keeper.deliver', good())
    expect(await shared(keeper, base)).toBe(true)
    expect(await shared(keeper, [...base, 'MORE=1', 'PATH=/bin'], { cwd: Buffer.from('/tmp') })).toBe(true)
    expect(await shared(keeper, [`HOME=${home}`, 'AWS_PROFILE=other'])).toBe(false)
    expect(await shared(keeper, [...base, 'AWS_CONFIG_FILE=relative'])).toBe(false)
    writeFileSync(join(home, '.aws', 'credentials'), '[default]\n')
    expect(await shared(keeper, base), 'after another log-in').toBe(false)
  })

  test('another program of the name, first on another PATH, is somebody else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kg-path-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'aws'), '', { mode: 0o755 })
    const keeper = await wrappedHome({ command: 'aws', env: [], provideClusterInfo: false })
    const runner = await toldToRun(keeper, ['HOME=/h', 'PATH=/nonexistent:/usr/bin'])
    await runner.ask('keeper.deliver', good())
    expect(await shared(keeper, ['HOME=/h', `PATH=${folder}:/usr/bin`])).toBe(false)
  })
})

test('certificates go through like tokens', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kg-cert-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const [key, certificate] = [join(folder, 'key'), join(folder, 'cert')]
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=a',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    { stdio: 'ignore' },
  )
  const pair = {
    clientCertificateData: readFileSync(certificate, 'utf8'),
    clientKeyData: readFileSync(key, 'utf8'),
  }
  const runner = await toldToRun(await wrappedHome())
  expect(statusOf(await runner.ask('keeper.deliver', delivery(answer(pair))))).toMatchObject(pair)
})

test('what is about to end is not handed out again', async () => {
  const keeper = await wrappedHome()
  const runner = await toldToRun(keeper)
  const short = delivery(answer({ token: 'short', expirationTimestamp: inMs(8_000) }))
  const given = statusOf(await runner.ask('keeper.deliver', short))
  expect(Date.parse(given.expirationTimestamp)).toBeLessThanOrEqual(Date.now() + 8_000)
  await toldToRun(keeper)
})

describe('an attacker', () => {
  test('who was not told to run can’t deliver: neither first, nor after a ticket, nor while another runs', async () => {
    const keeper = await wrappedHome()
    const stranger = new Client(keeper.socket)
    expect(await stranger.ask('keeper.deliver', good())).toMatchObject({ code: 'protocol-error' })
    const guest = await come(keeper)
    expect(await guest.ask('keeper.deliver', good())).toMatchObject({ code: 'protocol-error' })
    await toldToRun(keeper)
    const second = await come(keeper)
    expect(await second.ask('keeper.deliver', good())).toMatchObject({ code: 'protocol-error' })
    const shareless = new Client(keeper.socket)
    expect(await shareless.ask('keeper.share', share())).toMatchObject({ code: 'protocol-error' })
  })

  test('a narrowed keeper ends the connection of whoever runs it for somebody that is not served any more', async () => {
    const keeper = await wrappedHome()
    const runner = await toldToRun(keeper)
    await keeper.narrow([])
    await until('the end of the connection', () => runner.closed)
    const late = new Client(keeper.socket)
    const ticket = await giveTicket(keeper, 'issue', item.id)
    expect(await late.ask('keeper.issue', { ticket, apiVersion: 'v1' })).toMatchObject({ code: 'locked' })
  })

  test('a keeper that is ended takes all with it', async () => {
    const keeper = await wrappedHome()
    const runner = await toldToRun(keeper)
    await keeper.end()
    await until('the end of the connection', () => runner.closed)
    expect(isRunning(self().pid)).toBe(true)
    await expect(runner.ask('keeper.deliver', good())).rejects.toThrow('closed')
  })
})
