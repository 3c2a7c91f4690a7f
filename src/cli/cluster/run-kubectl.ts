import { spawn } from 'node:child_process'
import { GuardError } from '../../domain/errors.ts'

/** Which cluster: kubectl’s own flags. */
export interface Target {
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
}

export const targetFlags = ({ kubeconfig, context }: Target): string[] => [
  ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
  ...(context === undefined ? [] : [`--context=${context}`]),
]

/** The longest list, and the /metrics of a large cluster. */
const mostBytes = 64 * 1024 * 1024

interface Options {
  /** Else the kubectl that the person would type. */
  readonly program?: string
  /** For its standard input, or else ours. */
  readonly input?: string | undefined
  /** What it prints is returned, and not shown. */
  readonly reads?: boolean
  /** The same of what it complains of. */
  readonly readsErrors?: boolean
  readonly withinMs?: number
}

export interface Ended {
  /** 1 where a signal has ended it. */
  readonly code: number
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs kubectl with context, credential and all rules that go with it: so what is seen or changed in a cluster is the
 * person's own doing, and while that session is open.
 *
 * @throws GuardError program-missing
 */
export async function runKubectl(args: readonly string[], options: Options = {}): Promise<Ended> {
  const { program = 'kubectl', input, reads = false, readsErrors = false, withinMs } = options
  const child = spawn(program, [...args], {
    stdio: [
      input === undefined ? 'inherit' : 'pipe',
      reads ? 'pipe' : 'inherit',
      readsErrors ? 'pipe' : 'inherit',
    ],
    ...(withinMs !== undefined && { timeout: withinMs, killSignal: 'SIGKILL' as const }),
  })
  const { promise, resolve, reject } = Promise.withResolvers<Ended>()
  const said: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
  let bytes = 0
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostBytes) child.kill('SIGKILL')
      else said[name].push(chunk)
    })
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  child.on('error', () => reject(noKubectl()))
  child.on('close', (code, signal) =>
    resolve({
      code: code ?? 1,
      signal,
      stdout: Buffer.concat(said.stdout).toString(),
      stderr: Buffer.concat(said.stderr).toString(),
    }),
  )
  return promise
}

export const noKubectl = (): GuardError =>
  new GuardError('program-missing', 'there is no kubectl on PATH to ask the cluster with')
