import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { GuardError } from '../../domain/errors.ts'
import { allowListedEnvironment } from '../../hardening/environment.ts'
import type { Log } from '../../usecases/ports.ts'
import { bundlePath, nodePath } from '../install.ts'
import type { ScribeAnswer, ScribeJob, ScribeResults } from './job.ts'

export interface RunScribe {
  readonly log?: Log
  /** The program that is run with the runtime; the bundle unless a test names another. */
  readonly program?: string
  /** The scribe has its whole job: it goes on also where this process ends. */
  readonly onStarted?: () => void
}

/** A scribe waits at most 3 s per file for kubectl's lock, and 15 s for the vaults'. */
const patienceMs = 60_000

/** An answer holds outlines or a diff of the largest files that are read (32 MiB), and no more. */
const mostAnswerBytes = 128 * 1024 * 1024

/**
 * Runs one job in a process of its own, which ends with it. The job goes through its stdin, so that
 * secrets in it (restore) are in no argument and no environment.
 *
 * @throws GuardError what the job failed with, or `internal` when the process itself did
 */
export async function runScribe<Job extends ScribeJob>(
  job: Job,
  options: RunScribe = {},
): Promise<ScribeResults[Job['job']]> {
  const child = spawn(nodePath(), ['--disable-sigusr1', options.program ?? bundlePath('scribe')], {
    env: allowListedEnvironment(process.env),
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  try {
    logStderr(child, options.log)
    const output = collect(child)
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(JSON.stringify(job), options.onStarted)
    return answerOf(await output, job)
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}

function collect(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostAnswerBytes) child.kill('SIGKILL')
      else chunks.push(chunk)
    })
    child.once('error', () => reject(new GuardError('internal', 'the scribe can’t be started')))
    child.once('close', () => resolve(Buffer.concat(chunks).toString()))
  })
}

function answerOf<Job extends ScribeJob>(output: string, job: Job): ScribeResults[Job['job']] {
  let answer: ScribeAnswer<ScribeResults[Job['job']]>
  try {
    answer = JSON.parse(output) as ScribeAnswer<ScribeResults[Job['job']]>
  } catch {
    throw new GuardError('internal', `the scribe ended without an answer (${job.job})`)
  }
  if (!answer.ok) throw new GuardError(answer.code, answer.message, { cure: answer.cure })
  return answer.result
}

const mostLogged = 2_000

/** A scribe says nothing on stderr unless it breaks; what it says then has no secrets in it. */
function logStderr(child: ChildProcess, log: Log | undefined): void {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(0, mostLogged)
  })
  child.once('close', () => {
    if (text !== '') log?.warn('the scribe said something', { text: text.replaceAll(/[^\x20-\x7e]+/g, ' ') })
  })
}
