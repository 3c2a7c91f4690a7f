import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { isAbsolute } from 'node:path'
import { GuardError } from '../../../domain/errors.ts'
import { peerOf } from '../../../platform/peer.ts'
import { WireReader, packed } from './wire.ts'

/** draft-miller-ssh-agent, 5.1 */
const message = { identities: 11, identitiesAnswer: 12, sign: 13, signResponse: 14 } as const

const mostBytes = 256 * 1024
const connectMs = 5_000
/** Of a socket's path, as unix(7) has it. */
const longestPath = 107

export const refused = (why: string): GuardError => new GuardError('ssh-agent-refused', why)

/** One connection to an agent, one request after another. */
export class SshAgent {
  readonly #socket: Socket
  #bytes = Buffer.alloc(0)
  #waiting: PromiseWithResolvers<Buffer> | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('close', () => this.#waiting?.reject(refused('the ssh-agent closed the connection')))
    socket.on('error', () => {})
  }

  /**
   * @param forwarded may it be one that sshd listens for, on behalf of another machine?
   * @throws GuardError ssh-agent-refused
   */
  static async at(path: string, forwarded: 'deny' | 'allow'): Promise<SshAgent> {
    if (!isAbsolute(path) || Buffer.byteLength(path) > longestPath || path.includes('\0'))
      throw refused('SSH_AUTH_SOCK names no ssh-agent')
    const socket = createConnection(path)
    await connected(socket)
    const agent = new SshAgent(socket)
    try {
      assertOwn(socket, forwarded)
      return agent
    } catch (error) {
      agent.close()
      throw error
    }
  }

  /** The public keys that it holds. @throws GuardError ssh-agent-refused */
  async keys(withinMs: number): Promise<Buffer[]> {
    const reader = new WireReader(
      await this.#ask(Buffer.from([message.identities]), message.identitiesAnswer, withinMs),
    )
    const count = reader.uint32()
    const keys: Buffer[] = []
    for (let index = 0; index < count && reader.rest.length > 0; index += 1) {
      keys.push(reader.bytes())
      reader.bytes()
    }
    return keys
  }

  /** @throws GuardError ssh-agent-refused */
  async sign(key: Buffer, data: Buffer, flags: number, withinMs: number): Promise<Buffer> {
    const tail = Buffer.alloc(4)
    tail.writeUInt32BE(flags)
    const request = Buffer.concat([Buffer.from([message.sign]), packed(key), packed(data), tail])
    return new WireReader(await this.#ask(request, message.signResponse, withinMs)).bytes()
  }

  close(): void {
    this.#socket.destroy()
  }

  async #ask(request: Buffer, wanted: number, withinMs: number): Promise<Buffer> {
    const waiting = Promise.withResolvers<Buffer>()
    this.#waiting = waiting
    const late = setTimeout(() => waiting.reject(refused('the ssh-agent did not answer in time')), withinMs)
    this.#socket.write(packed(request))
    try {
      const answer = await waiting.promise
      if (answer[0] !== wanted) throw refused('the ssh-agent refused to sign')
      return answer.subarray(1)
    } finally {
      clearTimeout(late)
    }
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    if (this.#bytes.length < 4) return
    const length = this.#bytes.readUInt32BE()
    if (length > mostBytes) {
      this.#waiting?.reject(refused('the ssh-agent said too much'))
      return this.close()
    }
    if (this.#bytes.length < 4 + length) return
    const answer = Buffer.from(this.#bytes.subarray(4, 4 + length))
    this.#bytes = Buffer.from(this.#bytes.subarray(4 + length))
    this.#waiting?.resolve(answer)
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => socket.destroy(), connectMs)
    socket.once('connect', () => {
      clearTimeout(late)
      resolve()
    })
    socket.once('close', () => {
      clearTimeout(late)
      reject(refused('no ssh-agent answers at SSH_AUTH_SOCK'))
    })
    socket.on('error', () => {})
  })
}

/** Programs that listen for an agent which is on another machine. */
const forwarders = /^(sshd|dropbear)/

/** Who listens is known from the socket: as of listen(2), whoever connects. */
function assertOwn(socket: Socket, forwarded: 'deny' | 'allow'): void {
  const { pid, uid } = peerOf(socket)
  if (uid !== 0 && uid !== process.getuid?.()) throw refused('the ssh-agent belongs to another account')
  if (forwarded === 'allow') return
  // Who can't be seen may be sshd of another pid namespace, as in a container.
  const name = pid === 0 ? undefined : nameOf(pid)
  if (name === undefined) throw refused('who listens for the ssh-agent can’t be seen from here')
  if (forwarders.test(name)) throw refused('the ssh-agent is forwarded from another machine')
}

/** World-readable also where /proc/PID/exe is not, as sshd's. */
function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return undefined
  }
}
