import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { userInfo } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { allowListedEnvironment } from '../hardening/environment.ts'
import type { CommandResult, Log, PolicyCommands } from '../usecases/ports.ts'
import { accountHome } from './dirs.ts'
import { endTrees } from './processes/end-trees.ts'
import { readProcStat } from './processes/proc-stat.ts'

interface Options {
  readonly log: Pick<Log, 'warn'>
  /** How long one may take. */
  readonly limitMs?: number
}

const usualLimitMs = 10_000
/** Between TERM and KILL for one that takes too long. */
const graceMs = 500
/** What is kept of its output: the end, where the reason of a failure stands. */
const mostOutput = 2_048
/** What it left in the background may hold its output open. */
const lastWordsMs = 200

/** What a daemon that was started without a PATH gives to commands: the usual one of login(1). */
const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Runs what a policy lists under `onLock` and `onMisuse`: by `/bin/sh -c`, in the home, in a session of their own without a terminal,
 * with an environment that holds no secret.
 */
export function createPolicyCommands({ log, limitMs = usualLimitMs }: Options): PolicyCommands {
  const running = new Set<ChildProcess>()
  return {
    run: async (command, variables) => {
      const begun = performance.now()
      const child = spawn('/bin/sh', ['-c', command], {
        cwd: accountHome(),
        env: environmentWith(variables),
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      running.add(child)
      try {
        return { ...(await watch(child, limitMs, log)), tookMs: Math.round(performance.now() - begun) }
      } finally {
        running.delete(child)
      }
    },
    end: () => {
      for (const child of running) void endTree(child, log)
    },
  }
}

function environmentWith(variables: Readonly<Record<string, string>>): Record<string, string> {
  return {
    PATH: usualPath,
    ...accountNames(),
    ...allowListedEnvironment(process.env),
    HOME: accountHome(),
    ...variables,
  }
}

function accountNames(): Record<string, string> {
  try {
    const { username } = userInfo()
    return { USER: username, LOGNAME: username }
  } catch {
    return {}
  }
}

async function watch(
  child: ChildProcess,
  limitMs: number,
  log: Options['log'],
): Promise<Omit<CommandResult, 'tookMs'>> {
  let late = false
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-mostOutput)
    })
  const timer = setTimeout(() => {
    late = true
    void endTree(child, log)
  }, limitMs)
  try {
    const outcome = await ended(child)
    await Promise.race([closed(child), delay(lastWordsMs)])
    return late ? { ok: false, outcome: `ended after ${limitMs / 1000} s`, output } : { ...outcome, output }
  } finally {
    clearTimeout(timer)
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
}

function ended(child: ChildProcess): Promise<Pick<CommandResult, 'ok' | 'outcome'>> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, outcome: `can’t be started (${error.code ?? 'unknown error'})` }),
    )
    child.once('exit', (code, signal) =>
      resolve({
        ok: code === 0,
        outcome: signal !== null ? `ended by ${signal}` : code === 0 ? 'done' : `exit code ${code}`,
      }),
    )
  })
}

function closed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.stdout?.closed === true && child.stderr?.closed === true) return resolve()
    child.once('close', () => resolve())
  })
}

/** With all that it started: a shell that is killed alone leaves its children. */
async function endTree(child: ChildProcess, log: Options['log']): Promise<void> {
  const stat = child.pid === undefined ? undefined : readProcStat(child.pid)
  if (stat === undefined) return
  try {
    await endTrees([{ id: stat, graceMs }], () => false)
  } catch (error) {
    log.warn('a command of a policy could not be ended', { error: String(error) })
  }
}
