import { spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import type { DenyRule } from '../../domain/deny-rules.ts'
import type { Upstream } from '../../domain/upstream.ts'
import { GuardError } from '../../domain/errors.ts'
import { allowListedEnvironment } from '../../hardening/environment.ts'
import type { ProcessId } from '../../usecases/ports.ts'
import { bundlePath, nodePath } from '../install.ts'
import { readHello, writeHello } from '../keepers/hello.ts'
import { readProcStat } from '../processes/proc-stat.ts'

/** What the gateway proves itself with, and for which of its API servers. */
export interface HeldCredential {
  readonly id: string
  readonly token?: string | undefined
  /** PEM. */
  readonly clientCertificateData?: string | undefined
  /** PEM. */
  readonly clientKeyData?: string | undefined
  readonly upstreams: readonly Upstream[]
}

/** What a gateway is started with: who it is for its clients. Credentials come later, each when it is first asked for. */
export interface GatewayOrder {
  readonly policy: string
  readonly port: number
  /** PEM: the leaf, for 127.0.0.1. */
  readonly certPem: string
  /** PEM. */
  readonly keyPem: string
  /** What no request may do. */
  readonly deny: readonly DenyRule[]
  /** May a request ask to be carried out as somebody else? */
  readonly impersonate: 'never' | 'allow'
}

/** What it says once it listens, or why it does not. */
export type GatewayHello = { readonly port: number } | { readonly failure: string }

export interface StartedGateway {
  /** From the keeper to it; what ends it ends the gateway. */
  readonly line: Duplex
  /** Called once, when the process is gone. */
  onExit(listener: () => void): void
}

/** It listens 200 ms after its start; this is for a machine that swaps. */
const startTimeoutMs = 15_000

/**
 * Starts the gateway of one session: src/gateway.
 *
 * @param begun called before it is told anything
 * @throws GuardError gateway-down where it does not listen
 */
export async function startGateway(
  order: GatewayOrder,
  begun: (id: ProcessId) => void,
): Promise<StartedGateway> {
  const child = spawn(nodePath(), ['--disable-sigusr1', bundlePath('gateway')], {
    cwd: '/',
    detached: true,
    env: allowListedEnvironment(process.env),
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  try {
    const startTicks = readProcStat(child.pid ?? 0)?.startTicks
    if (child.pid === undefined || startTicks === undefined) throw down('it can’t be started')
    begun({ pid: child.pid, startTicks })
    const line = child.stdio[3] as Duplex
    writeHello(line, order)
    const hello = (await Promise.race([readHello(line), late()])) as GatewayHello
    if ('failure' in hello) throw down(hello.failure)
    return { line, onExit: (listener) => void gone.then(listener) }
  } catch (error) {
    child.kill('SIGKILL')
    throw error instanceof GuardError ? error : down('it ended at once')
  }
}

async function late(): Promise<GatewayHello> {
  await new Promise((resolve) => setTimeout(resolve, startTimeoutMs).unref())
  return { failure: 'it took too long' }
}

const down = (why: string): GuardError => new GuardError('gateway-down', `the gateway does not run: ${why}`)
