import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { GuardError } from '../../domain/errors.ts'
import { allowListedEnvironment } from '../../hardening/environment.ts'
import { bundlePath, nodePath } from '../install.ts'
import type { Keeper, KeeperOrder, Keepers, Log, RequestJournal } from '../../usecases/ports.ts'
import { readHello, writeHello } from './hello.ts'
import { KeeperProcess } from './keeper-process.ts'

export interface KeepersOptions {
  readonly log: Log
  /** A request went through the gateway of this policy’s session. */
  readonly requested?: RequestJournal['record']
  /** Descriptor of the log file, for what a keeper has to say; nothing is kept where it is not given. */
  readonly logFd?: number
  /** The bundle to run; the installation's own where it is not given. */
  readonly bundle?: string
}

/** A keeper listens 60 ms after its start; this is for a machine that swaps. */
const startTimeoutMs = 15_000

/** Starts keepers as processes of their own; see src/keeper/. */
export function createKeepers(options: KeepersOptions): Keepers {
  return { start: (order) => startKeeper(order, options) }
}

async function startKeeper(order: KeeperOrder, options: KeepersOptions): Promise<Keeper> {
  let child: ChildProcess | undefined
  try {
    child = spawnKeeper(options)
    const line = child.stdio[3] as Duplex
    const socket = await greet(child, line, order)
    const isNamed = order.mode === 'unlock' && order.forTerminal !== true
    const [policy = ''] = order.policies
    const { requested = () => {} } = options
    return new KeeperProcess(child, line, socket, {
      ...(isNamed && { policy }),
      requested: (request) => requested(policy, request),
    })
  } catch (error) {
    child?.kill('SIGKILL')
    options.log.error('keeper did not start', { reason: (error as Error).message })
    throw new GuardError('internal', 'the keeper did not start', { cause: error })
  }
}

function spawnKeeper({ logFd, bundle }: KeepersOptions): ChildProcess {
  const log = logFd ?? 'ignore'
  return spawn(nodePath(), ['--disable-sigusr1', bundle ?? bundlePath('keeper')], {
    cwd: '/',
    detached: true,
    env: allowListedEnvironment(process.env),
    stdio: ['ignore', log, log, 'pipe'],
  })
}

async function greet(child: ChildProcess, line: Duplex, order: KeeperOrder): Promise<string> {
  // Stays for good: a child that can't be signalled says so here, and nobody else would hear it.
  const failed = new Promise<never>((_resolve, reject) => child.on('error', reject))
  const late = AbortSignal.timeout(startTimeoutMs)
  const timedOut = new Promise<never>((_resolve, reject) =>
    late.addEventListener('abort', () => reject(new Error('it took too long'))),
  )
  writeHello(line, order)
  const answer = (await Promise.race([readHello(line), failed, timedOut])) as { socket?: unknown }
  if (typeof answer.socket !== 'string') throw new Error('it named no socket')
  return answer.socket
}
