import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { GuardError } from '../domain/errors.ts'
import { kubeconfigMark } from './kubeconfig.ts'
import { startPlayground } from './playground.ts'

interface ServeOptions {
  readonly kubeconfig: string
  readonly port: number
}

/**
 * `serve --kubeconfig FILE [--port N]`: serves until TERM or INT. Prints one line once FILE is written.
 * @returns the exit code.
 */
export async function serve(args: readonly string[]): Promise<number> {
  try {
    const { kubeconfig, port } = readArguments(args)
    refuseForeignFile(kubeconfig)
    // Asked for first: a signal during the start must end the process by this same way.
    const ended = endSignal()
    const playground = await startPlayground({ port })
    writePrivate(kubeconfig, playground.kubeconfig())
    process.stdout.write(`kubeguard playground: serving ${playground.url}, kubeconfig ${kubeconfig}\n`)
    await ended
    await playground.close()
    return 0
  } catch (error) {
    const known = error instanceof GuardError ? error : new GuardError('internal', (error as Error).message)
    process.stderr.write(`kubeguard: ${known.message}\n${known.cure}\n`)
    return known.exitCode
  }
}

function readArguments(args: readonly string[]): ServeOptions {
  const cure = 'run: kubeguard playground serve --kubeconfig FILE [--port N]'
  const options = { kubeconfig: { type: 'string' }, port: { type: 'string', default: '0' } } as const
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const port = Number(values.port)
    const isPort = /^\d+$/.test(values.port) && port < 65_536
    if (positionals.join(' ') === 'serve' && values.kubeconfig && isPort) {
      return { kubeconfig: resolve(values.kubeconfig), port }
    }
  } catch {
    // An option that we don't have: the same answer.
  }
  throw new GuardError('usage', 'playground serve needs --kubeconfig FILE', { cure })
}

/** Someone may well name ~/.kube/config: only what a playground wrote may be written over. */
function refuseForeignFile(path: string): void {
  const text = readIfThere(path)
  if (text === undefined || text.trim() === '' || text.startsWith(kubeconfigMark)) return
  const cure = 'name a new file: --kubeconfig FILE'
  throw new GuardError('usage', `${path} is not a playground kubeconfig, and stays as it is`, { cure })
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Mode 0600 from the start, and never half a file. */
function writePrivate(path: string, text: string): void {
  const partial = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(partial, text, { mode: 0o600, flag: 'wx' })
    renameSync(partial, path)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}

function endSignal(): Promise<void> {
  return new Promise((resolveEnd) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => resolveEnd())
  })
}
