import { GuardError } from '../domain/errors.ts'
import type { Failure, ScribeAnswer, ScribeJob, ScribeResults } from '../platform/scribes/job.ts'
import { absorb } from './absorb.ts'
import { adopt } from './adopt.ts'
import { audit } from './audit.ts'
import { giveBack } from './give-back.ts'
import { mask } from './mask.ts'
import { materialise } from './materialise.ts'
import { move } from './move.ts'
import { outline } from './outline.ts'
import { restore } from './restore.ts'
import { sweep } from './sweep.ts'
import { unmaterialise } from './wipe-materialised.ts'

/**
 * A scribe: the only process that opens kubeconfigs, for one job and then gone. The job comes as one JSON
 * document on stdin, the answer goes as one to stdout; an answer never holds a secret.
 *
 * @param harden comes first, before anything is read; what it throws is the answer
 */
export async function serveJob(harden: () => void): Promise<void> {
  try {
    harden()
    const result = await run(await readJob())
    await write({ ok: true, result })
  } catch (error) {
    await write({ ok: false, ...failureOf(error) })
    process.exitCode = 1
  }
}

function run(job: ScribeJob): Promise<ScribeResults[keyof ScribeResults]> {
  switch (job.job) {
    case 'outline':
      return outline(job)
    case 'sweep':
      return sweep(job)
    case 'adopt':
      return adopt(job)
    case 'absorb':
      return absorb(job)
    case 'restore':
      return restore(job)
    case 'move':
      return move(job)
    case 'give-back':
      return giveBack(job)
    case 'materialise':
      return materialise(job)
    case 'unmaterialise':
      return unmaterialise(job)
    case 'mask':
      return mask(job)
    case 'audit':
      return audit(job)
  }
}

async function readJob(): Promise<ScribeJob> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as ScribeJob
  } catch {
    // The parser's own message quotes what it read.
    throw new GuardError('internal', 'the scribe was given no job')
  }
}

function write(answer: ScribeAnswer<unknown>): Promise<void> {
  return new Promise((resolve) => process.stdout.write(JSON.stringify(answer), () => resolve()))
}

/** An unforeseen error's text may quote a secret: only its kind and where it happened are told. */
function failureOf(error: unknown): Failure {
  if (error instanceof GuardError) return { code: error.code, message: error.message, cure: error.cure }
  const { name, code, stack } = error as NodeJS.ErrnoException
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  process.stderr.write(`${name} ${code ?? ''}\n${frames.join('\n')}\n`)
  const told = new GuardError('internal', `the scribe failed (${code ?? name})`)
  return { code: told.code, message: told.message, cure: told.cure }
}
