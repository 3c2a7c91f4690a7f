import { spawn } from 'node:child_process'
import { allowListedEnvironment } from '../../hardening/environment.ts'
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

/** One line of JSON each; the last one counts. */
export interface RevocationOrder extends RevocationPlace {
  readonly token: string
}

export interface Revoker {
  /** Resolves when nobody can look into it any more, or it can't be had. Before that it is told nothing. */
  readonly ready: Promise<void>
  /** From now on it is this token that is taken back when we end. */
  hold(token: string): void
}

/**
 * Starts a process that waits for our end, however we end, and then has the provider take the token back: src/revoker.
 * What fails is in the daemon's log, and stops nobody.
 */
export function startRevoker(place: RevocationPlace): Revoker {
  const child = spawn(nodePath(), ['--disable-sigusr1', bundlePath('revoker')], {
    cwd: '/',
    detached: true,
    env: allowListedEnvironment(process.env),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ready = Promise.withResolvers<void>()
  child.on('error', () => ready.resolve())
  child.on('exit', () => ready.resolve())
  child.stdout.once('data', () => ready.resolve())
  child.stdin.on('error', () => {})
  return {
    ready: ready.promise,
    hold: (token) =>
      void child.stdin.write(`${JSON.stringify({ ...place, token } satisfies RevocationOrder)}\n`),
  }
}
