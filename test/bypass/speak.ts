/**
 * Speaks the protocol as an attacker would who has read docs/protocol.md. Prints `GOT …` when it got something
 * that a lock should have kept. Arguments: what to try, then what that needs.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { callDaemon, callKeeper, reachKeeper } from '../../src/client/call.ts'
import { dirs, places } from '../../src/platform/dirs.ts'
import { encodeRequest } from '../../src/protocol/frame.ts'

const [what, ...args] = process.argv.slice(2)
const home = dirs()
const place = { cwd: Buffer.from('/') }
const passphrase = (): Buffer => Buffer.from('correct horse battery staple')
const execApi = 'client.authentication.k8s.io/v1'

const issue = (policy: string, credential: string) =>
  callDaemon('credential.issue', {
    policy,
    credential,
    ttys: 0,
    mayAsk: false,
    asked: false,
    mayWait: false,
    waits: false,
  })

async function fetchCredential(): Promise<void> {
  const reply = await issue(args[0] as string, args[1] as string)
  if (reply.socket === undefined || reply.ticket === undefined) throw new Error(reply.message)
  const { execCredential } = await callKeeper(reply.socket, 'keeper.issue', {
    ticket: reply.ticket,
    apiVersion: execApi,
  })
  console.log(`GOT ${execCredential?.length} bytes`)
  if (what !== 'ticket-twice') return
  console.log('once')
  await callKeeper(reply.socket, 'keeper.issue', { ticket: reply.ticket, apiVersion: execApi })
  console.log('GOT TWICE')
}

async function guessTicket(): Promise<void> {
  for (const name of readdirSync(places.keepers(home))) {
    const path = join(places.keepers(home), name)
    const early = { ticket: randomBytes(32), apiVersion: execApi }
    const { execCredential } = await callKeeper(path, 'keeper.issue', early)
    console.log(`GOT ${execCredential?.length} bytes`)
  }
}

/** Begins an unlock, waits until told on standard input that a lock came, then proves. */
async function lateUnlock(): Promise<void> {
  const { socket, ticket } = await callDaemon('session.unlock', {
    ...place,
    policy: args[0],
    recovery: false,
  })
  console.log('begun')
  const { execFileSync } = await import('node:child_process')
  execFileSync(args[1] as string, args.slice(2), { stdio: 'ignore' })
  await callKeeper(socket, 'keeper.open', { ticket, passphrase: passphrase() })
  console.log('GOT unlocked')
}

async function guessPassphrase(): Promise<void> {
  let tried = 0
  for (let count = 0; count < Number(args[1]); count += 1) {
    try {
      const { socket, ticket } = await callDaemon('session.unlock', {
        ...place,
        policy: args[0],
        recovery: false,
      })
      tried += 1
      await callKeeper(socket, 'keeper.open', { ticket, passphrase: Buffer.from(`guess ${count}`) })
      console.log('GOT unlocked')
    } catch {
      // Refused, as it should be.
    }
  }
  console.log(`tried ${tried}`)
}

/** Opens as many prompts as there may be, of every policy, and only then answers them all at once. */
async function guessAtOnce(): Promise<void> {
  const begun: { socket: Buffer; ticket: Buffer }[] = []
  for (let count = 0; count < Number(args[0]); count += 1)
    begun.push(
      await callDaemon('session.unlock', {
        ...place,
        policy: count % 2 === 0 ? 'default' : 'prod',
        recovery: false,
      }),
    )
  const answers = await Promise.all(
    begun.map(({ socket, ticket }, count) =>
      callKeeper(socket, 'keeper.open', { ticket, passphrase: Buffer.from(`guess ${count}`) }).then(
        () => 'GOT unlocked',
        ({ code }: { code?: string }) => code ?? 'unknown',
      ),
    ),
  )
  console.log(answers.join('\n'))
}

/** A frame with another version's number, and one sent twice in a single write. */
async function rawFrames(): Promise<void> {
  const request = {
    policy: args[0] as string,
    credential: args[1] as string,
    ttys: 0,
    mayAsk: false,
    asked: false,
    mayWait: false,
    waits: false,
  }
  const old = encodeRequest('credential.issue', request)
  old.writeUInt16BE(0, 4)
  const answer = await exchangeRaw(old)
  if (answer.includes('keepers/')) console.log('GOT a keeper by an old version')
  const twice = encodeRequest('credential.issue', { ...request, credential: `${request.credential}x` })
  const both = await exchangeRaw(Buffer.concat([twice, twice]))
  if (both.includes('keepers/')) console.log('GOT a keeper by a forged name')
  console.log('spoken')
}

/** A request for the daemon, at whatever listens at the path. */
async function speakTo(): Promise<void> {
  const answer = await exchangeRaw(encodeRequest('daemon.status', {}), args[0]).catch((error: unknown) => {
    // It listens, and hangs up before anything is said.
    if (['EPIPE', 'ECONNRESET'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''
    throw error
  })
  console.log(answer === '' ? 'silent' : `GOT ${answer.length} bytes`)
}

function exchangeRaw(bytes: Buffer, path: string = places.socket(home)): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = createConnection(path)
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.end(bytes)
  })
}

/** Has the gate vouch for this very process, as it does for a shim that becomes kubectl. */
async function beVouchedFor(): Promise<void> {
  const { HOME = '', PATH = '' } = process.env
  const { verdict, message } = await callDaemon('gate.check', {
    argv: ['kubectl', 'get', 'pods'].map((word) => Buffer.from(word)),
    cwd: Buffer.from(HOME),
    home: Buffer.from(HOME),
    path: Buffer.from(PATH),
    inCluster: false,
    ttys: 0,
    mayAsk: false,
    asked: false,
    mayWait: false,
    waits: false,
  })
  if (verdict !== 'allow') throw new Error(message ?? verdict)
}

/** @returns what a plugin gets that is this process. */
async function fetchVouched(credential: string): Promise<string> {
  const path = join(places.keepers(home), 'default.open')
  const { execCredential } = await callKeeper(path, 'keeper.fetch', { credential, apiVersion: execApi })
  return execCredential === undefined ? 'nothing' : 'a credential'
}

const fetchAsPlugin = async (): Promise<void> => console.log(await fetchVouched(args[0] as string))

const script = import.meta.filename
const asPlugin = (credential: string): string[] => [process.execPath, script, 'fetch', credential]

/** This process is vouched for; whoever else it is that fetches, and whatever else, gets nothing; its child once. */
async function misuseVoucher(): Promise<void> {
  const [own = '', others = ''] = args
  const { execFileSync } = await import('node:child_process')
  const run = (file: string, ...given: string[]): string =>
    execFileSync(file, given, { encoding: 'utf8' }).trim()
  const child = (credential: string): string => run(...(asPlugin(credential) as [string, ...string[]]))
  await beVouchedFor()
  const python = `import subprocess; print(subprocess.run(${JSON.stringify(asPlugin(own))}, capture_output=True, text=True).stdout)`
  // The command substitution ends with its child's output, not with its child.
  const orphan = `out=$(mktemp); (setsid sh -c 'sleep 0.3; ${asPlugin(own).join(' ')} >'$out' 2>&1; echo done >>'$out &) ; until grep -q done $out; do sleep 0.1; done; cat $out`
  const tries = {
    'the client itself': await fetchVouched(own),
    'its child, for another credential': child(others),
    'the child of another client': run('python3', '-c', python),
    'an orphan': run('sh', '-c', orphan),
  }
  for (const [who, got] of Object.entries(tries))
    if (!got.startsWith('nothing')) console.log(`GOT by ${who}: ${got}`)
  console.log(`once: ${child(own)}`)
  console.log(`GOT TWICE: ${child(own)}`.replace('GOT TWICE: nothing', 'not twice'))
}

/** Vouched for, then locked; neither this process nor its child obeys TERM, and the child asks as soon as it comes. */
async function voucherOverLock(): Promise<void> {
  process.on('SIGTERM', () => {})
  const { spawn } = await import('node:child_process')
  const child = spawn(process.execPath, [script, 'fetch-at-term', args[0] as string], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.pipe(process.stdout)
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await beVouchedFor()
  spawn(args[1] as string, args.slice(2), { stdio: 'ignore' })
  setInterval(() => {}, 1_000)
}

async function fetchAtTerm(): Promise<void> {
  const term = new Promise((resolve) => process.on('SIGTERM', resolve))
  console.log('ready')
  setInterval(() => {}, 1_000)
  await term
  const got = await fetchVouched(args[0] as string).catch((error: unknown) => String(error))
  console.log(got === 'a credential' ? 'GOT it' : `tried: ${got}`)
}

/** Hands the keeper an answer that no plugin gave: without word to run it, right after the ticket and after asking. */
async function forgeAnswer(): Promise<void> {
  const output = Buffer.from(
    JSON.stringify({
      kind: 'ExecCredential',
      apiVersion: execApi,
      status: { token: 'forged-by-an-attacker' },
    }),
  )
  const forged = { outcome: 'exited', code: 0, output }
  const environment = Object.entries(process.env).map((entry) => Buffer.from(entry.join('=')))
  const cwd = Buffer.from(process.cwd())
  for (const asksFirst of [false, true]) {
    const { socket, ticket } = await issue(args[0] as string, args[1] as string)
    if (socket === undefined || ticket === undefined) throw new Error('not issued')
    const keeper = await reachKeeper(socket, 20_000)
    try {
      await keeper.ask('keeper.issue', { ticket, apiVersion: execApi })
      if (asksFirst) await keeper.ask('keeper.share', { apiVersion: execApi, environment, cwd, ttys: 0 })
      const { execCredential } = await keeper.ask('keeper.deliver', forged)
      console.log(`GOT ${execCredential.length} bytes`)
    } catch (error) {
      console.log(`spoken: ${String(error)}`)
    } finally {
      keeper.close()
    }
  }
}

const report = { typed: true, hungUp: false, keys: 1, output: 1, covered: false }

async function tellKeys(): Promise<void> {
  await callDaemon('supervisor.report', report)
  console.log('GOT taken for a supervisor')
}

/** The gate may well name it; it is no supervisor of ours for that. */
async function poseAsSupervisor(): Promise<void> {
  const argv = ['kubectl', 'exec', '-it', 'web-0', '--', 'sh'].map((word) => Buffer.from(word))
  const environment = {
    cwd: Buffer.from('/'),
    path: Buffer.from(process.env['PATH'] ?? ''),
    home: Buffer.from(process.env['HOME'] ?? ''),
  }
  const may = { inCluster: false, ttys: 7, mayAsk: false, asked: false, mayWait: false, waits: false }
  const { verdict, supervisor } = await callDaemon('gate.check', { argv, ...environment, ...may })
  console.log(`spoken: ${verdict} ${String(supervisor)}`)
  await callDaemon('supervisor.begin', { device: 34_816 })
  console.log('GOT taken for a supervisor')
}

const attacks: Record<string, () => Promise<void>> = {
  'issue': fetchCredential,
  'ticket-twice': fetchCredential,
  'guess-ticket': guessTicket,
  'late-unlock': lateUnlock,
  'guess-passphrase': guessPassphrase,
  'guess-at-once': guessAtOnce,
  'raw-frames': rawFrames,
  'speak-to': speakTo,
  'fetch': fetchAsPlugin,
  'fetch-at-term': fetchAtTerm,
  'misuse-voucher': misuseVoucher,
  'voucher-over-lock': voucherOverLock,
  'forge-answer': forgeAnswer,
  'tell-keys': tellKeys,
  'pose-as-supervisor': poseAsSupervisor,
}

await attacks[what ?? '']?.().catch((error: unknown) => console.log(`refused: ${String(error)}`))
