import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { allowListedEnvironment } from '../../hardening/environment.ts'
import type { ClusterPlace } from '../cluster/cluster-api.ts'
import { bundlePath, nodePath } from '../install.ts'

/** Where a token is to be taken back (RFC 7009), and as whom. */
export interface RevocationPlace {
  readonly issuer: string
  readonly endpoint: string
  readonly clientId: string
  /** Of a client that has to prove itself: its secret, and where in a request it goes. */
  readonly proof?: { readonly secret: string; readonly goesIn: 'head' | 'body' } | undefined
  /** A PEM file with the authorities that vouch for it. */
  readonly ca?: string | undefined
}

export interface ProviderRevocation extends RevocationPlace {
  readonly kind: 'provider'
  readonly token: string
}

/** A session's objects in a cluster, and a token that may delete these and do nothing else. */
export interface ClusterRevocation {
  readonly kind: 'cluster'
  readonly place: ClusterPlace
  readonly token: string
  /** Paths to be deleted; those of one step at once (platform/cluster/session-objects.ts). */
  readonly steps: readonly (readonly string[])[]
  readonly policy: string
  /** The session's name in the cluster. */
  readonly name: string
  /** Wall-clock ms from which on no token of the session is accepted any more. */
  readonly deadMs: number
}

/** One line of JSON each; of those with the same key the last one counts. */
export type RevocationOrder = { readonly key: string } & (ProviderRevocation | ClusterRevocation)

export interface Revoker {
  /** Resolves when nobody can look into it any more, or it can't be had. Before that it is told nothing. */
  readonly ready: Promise<void>
  /** Is it there, to do what it is told? */
  readonly isThere: boolean
  /** From now on it is this that is revoked when we end, beside what has another key. */
  hold(order: RevocationOrder): void
}

type Child = ChildProcessByStdio<Writable, Readable, null>

/** One that dies is started anew: the first few times at once, then after a pause, and so often. */
const atOnce = 4
const mostStarts = 100
const pauseMs = 500

/**
 * Starts a process that waits for our end, however we end, and then revokes what it was told to: src/revoker.
 * What fails is in the daemon's log, and stops nobody.
 */
export function startRevoker(): Revoker {
  return new RevokerProcess()
}

class RevokerProcess implements Revoker {
  readonly #orders = new Map<string, RevocationOrder>()
  #child: Child | undefined
  #starts = 0
  readonly ready: Promise<void>

  constructor() {
    this.ready = this.#start()
  }

  get isThere(): boolean {
    return this.#child !== undefined
  }

  hold(order: RevocationOrder): void {
    this.#orders.set(order.key, order)
    if (this.#child !== undefined) this.#tell(this.#child, order)
  }

  #tell(child: Child, order: RevocationOrder): void {
    child.stdin.write(`${JSON.stringify(order)}\n`)
  }

  #start(): Promise<void> {
    this.#starts += 1
    const ready = Promise.withResolvers<void>()
    const child = spawn(nodePath(), ['--disable-sigusr1', bundlePath('revoker')], {
      cwd: '/',
      detached: true,
      env: allowListedEnvironment(process.env),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child = child
    child.stdin.on('error', () => {})
    // One that follows another is told at once: should we end before it is ready, it reads that in its pipe.
    for (const order of this.#orders.values()) this.#tell(child, order)
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      this.#child = undefined
      ready.resolve()
      // Who kills it must not have our session outlive its lock.
      if (this.#starts < mostStarts) setTimeout(() => void this.#start(), this.#starts < atOnce ? 0 : pauseMs)
    }
    child.on('error', over)
    child.on('exit', over)
    child.stdout.once('data', () => ready.resolve())
    return ready.promise
  }
}
