import { readFileSync } from 'node:fs'

/** What the command was given before shell and runtime changed it; `bin/fallback.sh` notes it. */
export interface Inherited {
  /** The name that was called, without its folder. */
  readonly tool: string
  readonly argv: readonly Buffer[]
  /** `NAME=value`, in order, as bytes. */
  readonly environment: readonly Buffer[]
  /** Signals as in /proc/PID/status: bit n - 1 for signal n. */
  readonly ignoredSignals: bigint
  readonly blockedSignals: bigint
  /** Soft limit of open files; undefined for none. */
  readonly softFiles: bigint | undefined
  readonly descriptors: readonly number[]
}

/** The environment as it was, in base64. */
export const keptName = 'KUBEGUARD_KEPT_ENVIRONMENT'
const nul = 0

/** Reads the bytes from /proc: Node's own argv and env are text, and arguments need not be. */
export function readInherited(): Inherited {
  const line = splitAtNuls(readFileSync('/proc/self/cmdline'))
  const noted = line.slice(2 + process.execArgv.length)
  const [tool, called, ignored, blocked, files, open, ...args] = noted
  if (called === undefined || open === undefined) throw new Error('run it by its launcher in bin/')
  const environment = originalEnvironment(splitAtNuls(readFileSync('/proc/self/environ')))
  return {
    tool: String(tool),
    argv: [nameAsTyped(called, environment), ...args],
    environment,
    ignoredSignals: BigInt(`0x${String(ignored)}`),
    blockedSignals: BigInt(`0x${String(blocked)}`),
    softFiles: /^\d+$/.test(String(files)) && String(files) !== '0' ? BigInt(String(files)) : undefined,
    descriptors: String(open)
      .split(',')
      .filter((text) => text !== '')
      .map(Number),
  }
}

/** @returns the first value of a variable, as getenv(3) has it. */
export function variable({ environment }: Pick<Inherited, 'environment'>, name: string): Buffer | undefined {
  const start = Buffer.from(`${name}=`)
  return environment.find((entry) => entry.subarray(0, start.length).equals(start))?.subarray(start.length)
}

/**
 * The kernel gives a script the path that it was found under for its name (execve(2)). Where that is PATH's folder and
 * a name, it was found there, by the name alone.
 */
function nameAsTyped(called: Buffer, environment: readonly Buffer[]): Buffer {
  const path = variable({ environment }, 'PATH')?.toString('latin1') ?? ''
  const slash = called.lastIndexOf('/')
  const folder = called.toString('latin1', 0, Math.max(slash, 0))
  return slash > 0 && path.split(':').includes(folder) ? called.subarray(slash + 1) : called
}

function originalEnvironment(current: readonly Buffer[]): Buffer[] {
  const start = `${keptName}=`
  const kept = current.find((entry) => entry.toString('latin1').startsWith(start))
  return kept === undefined
    ? [...current]
    : splitAtNuls(Buffer.from(kept.toString('latin1').slice(start.length), 'base64'))
}

function splitAtNuls(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(nul, start)
    const end = found === -1 ? bytes.length : found
    parts.push(bytes.subarray(start, end))
    start = end + 1
  }
  return parts
}
