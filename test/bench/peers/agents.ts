import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { proportionalBytes } from '../../fixtures/memory.ts'
import { TestAgent } from '../../fixtures/ssh-agent.ts'
import { tool } from '../../fixtures/tools.ts'
import type { Bench } from '../bench-home.ts'
import { DaemonClient } from '../daemon-client.ts'
import { compete, spreadOf } from './contest.ts'
import type { Contest, Peer } from './contest.ts'

/** Programs that hold secrets for a person, each with one of them in it. */
interface Agent {
  readonly name: string
  readonly isOurs?: true
  readonly pid: number
  /** From the request to the answer that nothing can be had any more; then it is opened again. @returns ms */
  lock(): Promise<number>
  close(): void
}

const memorySamples = 20
const sampleStepMs = 100

export async function agentContests(bench: Bench): Promise<Contest[]> {
  await bench.home.lock()
  await bench.home.unlock('default')
  const agents = [await kubeguard(bench), await sshAgent(bench), await gpgAgent(bench)]
  try {
    const memory = []
    for (const agent of agents) memory.push(await memoryOf(agent))
    const entrants = agents.map(({ name, isOurs, lock }) => ({
      name,
      ...(isOurs === true && { isOurs }),
      once: lock,
    }))
    return [
      {
        title: 'memory of an agent with one secret',
        unit: 'MB',
        about:
          'Proportional set size of the process and its children: ours are a daemon, a reaper, and a keeper with one open session.',
        peers: memory,
      },
      {
        title: 'a lock, from the request to the answer',
        unit: 'ms',
        about:
          'On a socket that is open. Ours ends the process that holds the secret, waits until it is gone, and has that recorded on disk; ssh-agent (`ssh-add -x`) refuses from then on, gpg-agent (`RELOADAGENT`) forgets its passphrases.',
        peers: await compete(entrants, { rounds: 12, warmUp: 1 }),
      },
    ]
  } finally {
    for (const agent of agents) agent.close()
    await bench.home.unlock('--all')
  }
}

async function memoryOf({ name, isOurs, pid }: Agent): Promise<Peer> {
  const samples: number[] = []
  for (let sample = 0; sample < memorySamples; sample += 1) {
    samples.push(proportionalBytes(pid) / (1024 * 1024))
    await wait(sampleStepMs)
  }
  return { name, isOurs: isOurs === true, spread: spreadOf(samples) }
}

async function kubeguard({ home }: Bench): Promise<Agent> {
  const pid = await home.daemonPid()
  if (pid === undefined) throw new Error('no daemon is running')
  return {
    name: 'kubeguard',
    isOurs: true,
    pid,
    lock: async () => {
      await home.unlock('default')
      const client = await DaemonClient.toDaemonOf(home)
      const startedAt = performance.now()
      await client.ask('session.lock', { policy: 'default' })
      const ms = performance.now() - startedAt
      client.close()
      return ms
    },
    close: () => {},
  }
}

/** The protocol of draft-ietf-sshm-ssh-agent: a length, a number, and for these two a passphrase. */
const [lockRequest, unlockRequest, success] = [22, 23, 6] as const

function sshRequest(number: number, word: string): Buffer {
  const body = Buffer.alloc(5 + word.length)
  body.writeUInt8(number, 0)
  body.writeUInt32BE(word.length, 1)
  body.write(word, 5)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

async function sshAgent({ home }: Bench): Promise<Agent> {
  const agent = await TestAgent.start(join(home.root, 'ssh'))
  agent.add('ed25519')
  const socket = await connected(agent.socket)
  const ask = async (number: number): Promise<void> => {
    const answer = await exchange(socket, sshRequest(number, 'word'))
    if (answer[4] !== success) throw new Error(`ssh-agent answers ${answer[4]}`)
  }
  return {
    name: 'ssh-agent',
    pid: agent.pid,
    lock: async () => {
      const startedAt = performance.now()
      await ask(lockRequest)
      const ms = performance.now() - startedAt
      await ask(unlockRequest)
      return ms
    },
    close: () => {
      socket.destroy()
      agent[Symbol.dispose]()
    },
  }
}

async function gpgAgent({ home }: Bench): Promise<Agent> {
  const folder = join(home.root, 'gpg')
  mkdirSync(folder, { mode: 0o700 })
  const run = (program: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(tool(program), ['--homedir', folder, ...args], {
      env: home.env,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`${program}: ${stderr}`)
    return stdout.trim()
  }
  const passphrase = ['--pinentry-mode', 'loopback', '--passphrase', 'word']
  // This starts the agent, which keeps the passphrase.
  run('gpg', '--batch', ...passphrase, '--quick-gen-key', 'somebody', 'ed25519', 'sign', 'never')
  const socket = await connected(run('gpgconf', '--list-dirs', 'agent-socket'))
  await once(socket, 'data')
  const ask = async (line: string): Promise<string> => {
    const answer = (await exchange(socket, Buffer.from(`${line}\n`))).toString()
    if (!/^OK/m.test(answer)) throw new Error(`gpg-agent answers ${answer}`)
    return answer
  }
  return {
    name: 'gpg-agent',
    pid: Number(/^D (\d+)/m.exec(await ask('GETINFO pid'))?.[1]),
    lock: async () => {
      const startedAt = performance.now()
      await ask('RELOADAGENT')
      return performance.now() - startedAt
    },
    close: () => {
      socket.destroy()
      run('gpgconf', '--kill', 'gpg-agent')
    },
  }
}

async function connected(path: string): Promise<Socket> {
  const socket = connect(path)
  await once(socket, 'connect')
  return socket
}

async function exchange(socket: Socket, bytes: Buffer): Promise<Buffer> {
  const answer = once(socket, 'data')
  socket.write(bytes)
  const [chunk] = (await answer) as [Buffer]
  return chunk
}
