import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { FrameReader } from '../../../src/protocol/channel.ts'
import type { Frame } from '../../../src/protocol/channel.ts'
import { decodeReply, encodeRequest, FrameError, requestName } from '../../../src/protocol/frame.ts'
import { messages, protocolVersion, replyBit } from '../../../src/protocol/messages.ts'
import type { MessageName } from '../../../src/protocol/messages.ts'
import { makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { hold } from '../target.ts'
import type { Target } from '../target.ts'
import { request, stream } from './frames.ts'

/** What a daemon may grow by, whatever comes: its heap settles some time after the first hundreds of connections. */
const mostGrowthKb = 96 * 1024
/** What is cut short is waited for by the daemon; nobody needs to see that to its end. */
const patienceMs = 150
const atOnce = 16

/** Whole requests that end the daemon, touch files of others or start processes: no attack, and not for here. */
const obeyed = new Set<MessageName>([
  'daemon.stop',
  'client.end',
  'session.unlock',
  'vault.open',
  'kubeconfig.adopt',
  'kubeconfig.give-back',
  'kubeconfig.sweep',
])

const asked = (Object.keys(messages) as MessageName[]).filter(
  (name) => messages[name].route === 'client>daemon',
)

/** Would the daemon see one of these in it? */
function isObeyed(bytes: Buffer): boolean {
  try {
    return new FrameReader().push(bytes).some(({ id }) => obeyed.has(requestName(id) as MessageName))
  } catch (error) {
    if (error instanceof FrameError) return false
    throw error
  }
}

const attack = stream(fc.oneof(...asked.map(request))).filter((bytes) => !isObeyed(bytes))

class Daemon {
  readonly #path: string
  readonly pid: number

  constructor(home: TestHome, pid: number) {
    this.#path = readFileSync(join(home.guardHome, 'state', 'daemon.lock'), 'utf8').trimEnd()
    this.pid = pid
  }

  /** All that it says to these bytes, within some time. */
  send(bytes: Buffer, patience = patienceMs): Promise<Buffer> {
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    const socket = connect(this.#path)
    const said: Buffer[] = []
    socket.setTimeout(patience, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => said.push(chunk))
    socket.on('error', () => {})
    socket.on('close', () => resolve(Buffer.concat(said)))
    socket.write(bytes)
    return promise
  }

  /** A good request is answered, whatever came before it. */
  async assertWell(): Promise<void> {
    const said = await this.#ask(encodeRequest('daemon.status', {}))
    assert.equal(said.id, messages['daemon.status'].id | replyBit)
    assert.equal((decodeReply('daemon.status', said.body).report as { pid?: number }).pid, this.pid)
  }

  #ask(bytes: Buffer): Promise<Frame> {
    const { promise, resolve, reject } = Promise.withResolvers<Frame>()
    const reader = new FrameReader()
    const socket = connect(this.#path)
    socket.setTimeout(60_000, () => socket.destroy())
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the daemon answers a good request with nothing')))
    socket.on('data', (chunk: Buffer) => {
      const [frame] = reader.push(chunk)
      if (frame === undefined) return
      resolve(frame)
      socket.destroy()
    })
    socket.write(bytes)
    return promise
  }

  get kilobytes(): number {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1])
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length
  }
}

/** Each answer is whole frames of our version: an answer, or an error. */
function assertAnswers(said: Buffer): number {
  const reader = new FrameReader()
  const frames = reader.push(said)
  assert.ok(!reader.midFrame, 'half an answer')
  for (const { version, id } of frames) {
    assert.equal(version, protocolVersion)
    assert.ok((id & replyBit) !== 0, 'no answer')
  }
  return frames.length
}

export const daemon: Target = {
  name: 'daemon',
  about:
    'damaged frames at the socket of a running daemon: it lives, answers the next good request, and does not grow',
  shortRuns: 5,
  async run(effort) {
    await using home = makeHome()
    assert.equal((await home.kubeguard(['daemon', 'start'])).code, 0)
    const served = new Daemon(home, (await home.daemonPid()) ?? 0)
    await served.assertWell()
    const counts = { connections: 0, answers: 0, grownKb: 0 }
    const before = served.kilobytes
    const property = fc.asyncProperty(
      fc.array(attack, { minLength: 1, maxLength: atOnce }),
      async (attacks) => {
        const answers = await Promise.all(attacks.map((bytes) => served.send(bytes)))
        counts.connections += attacks.length
        for (const said of answers) counts.answers += assertAnswers(said)
        await served.assertWell()
      },
    )
    await hold(property, effort)
    counts.grownKb = served.kilobytes - before
    assert.ok(counts.grownKb < mostGrowthKb, `it has grown by ${counts.grownKb} KB`)
    assert.ok(served.descriptors < 200, `it holds ${served.descriptors} descriptors`)
    return { ...counts }
  },
}
