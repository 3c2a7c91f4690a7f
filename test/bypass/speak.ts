/**
 * Speaks the protocol as an attacker would who has read docs/protocol.md. Prints `GOT …` when it got something
 * that a lock should have kept. Arguments: what to try, then what that needs.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { callDaemon, callKeeper } from '../../src/client/call.ts'
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
  console.log(`GOT ${execCredential.length} bytes`)
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
    console.log(`GOT ${execCredential.length} bytes`)
  }
}

/** Begins an unlock, waits until told on standard input that a lock came, then proves. */
async function lateUnlock(): Promise<void> {
  const { socket, ticket } = await callDaemon('session.unlock', { ...place, policy: args[0] })
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
      const { socket, ticket } = await callDaemon('session.unlock', { ...place, policy: args[0] })
      tried += 1
      await callKeeper(socket, 'keeper.open', { ticket, passphrase: Buffer.from(`guess ${count}`) })
      console.log('GOT unlocked')
    } catch {
      // Refused, as it should be.
    }
  }
  console.log(`tried ${tried}`)
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

const attacks: Record<string, () => Promise<void>> = {
  'issue': fetchCredential,
  'ticket-twice': fetchCredential,
  'guess-ticket': guessTicket,
  'late-unlock': lateUnlock,
  'guess-passphrase': guessPassphrase,
  'raw-frames': rawFrames,
  'speak-to': speakTo,
}

await attacks[what ?? '']?.().catch((error: unknown) => console.log(`refused: ${String(error)}`))
