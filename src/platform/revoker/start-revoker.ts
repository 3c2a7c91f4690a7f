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

/** One that dies is started anew so often, and no sooner than after this pause. */
const mostStarts = 20
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
    this.#tell(order)
  }

  #tell(order: RevocationOrder): void {
    this.#child?.stdin.write(`${JSON.stringify(order)}\n`)
  }

  /** Who kills it must not have our session outlive its lock: the next one is told the same. */
  #start(): Promise<void> {
    this.#starts += 1
    const ready = Promise.withResolvers<void>()
    const child = spawn(nodePath(), ['--disable-sigusr1', bundlePath('revoker')], {
      cwd: '/',
      detached: true,
      env: allowListedEnvironment(process.env),
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let isOver = false
    const over = (): void => {
      if (isOver) return
      isOver = true
      if (this.#child === child) this.#child = undefined
      ready.resolve()
      if (this.#starts < mostStarts) setTimeout(() => void this.#start(), pauseMs)
    }
    child.on('error', over)
    child.on('exit', over)
    child.stdin.on('error', () => {})
    child.stdout.once('data', () => {
      this.#child = child
      for (const order of this.#orders.values()) this.#tell(order)
      ready.resolve()
    })
    return ready.promise
  }
}
