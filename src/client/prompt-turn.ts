import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dirs, ensurePlaces } from '../platform/dirs.ts'
import { tryLock } from '../platform/libc.ts'
import { openTerminal } from './tty-device.ts'
import { clientProcess, processAgeMs } from './tty-process.ts'

/** One question at a time on one terminal, whoever asks: fifty commands at once show one prompt. */
export interface PromptTurn {
  /** Somebody else asked while we waited: look at the session again before asking. */
  readonly waited: boolean
  /** The question was cancelled after our client started: it was meant for this client too. */
  cancelledBefore(policy: string): boolean
  /** The person does not want to be asked. */
  noteCancel(policy: string): void
  /** The person unlocked: earlier cancels mean nothing any more. */
  forgetCancels(): void
  release(): void
}

const retryEveryMs = 50

/**
 * Waits for the turn on this terminal; the kernel gives it on when its holder ends, however it ends.
 * @returns undefined where there is no terminal.
 */
export async function takePromptTurn(): Promise<PromptTurn | undefined> {
  const terminal = openTerminal()
  if (terminal === undefined) return undefined
  terminal.close()
  const client = clientProcess()
  const clientStartedMs = Date.now() - (client === undefined ? 0 : processAgeMs(client))
  const places = dirs()
  ensurePlaces(places)
  const fd = openSync(join(places.run, `prompt${terminal.path.replaceAll('/', '-')}`), 'a+', 0o600)
  let waited = false
  while (!tryLock(fd)) {
    waited = true
    await sleep(retryEveryMs)
  }
  return turnOn(fd, waited, clientStartedMs)
}

function turnOn(fd: number, waited: boolean, clientStartedMs: number): PromptTurn {
  return {
    waited,
    cancelledBefore: (policy) => (lastCancels(fd).get(policy) ?? 0) > clientStartedMs,
    noteCancel(policy) {
      writeSync(fd, `${policy} ${Date.now()}\n`)
    },
    forgetCancels: () => ftruncateSync(fd),
    release: () => closeSync(fd),
  }
}

/** Lines `POLICY TIME`; the last one counts. A line that can't be read counts for nothing. */
function lastCancels(fd: number): Map<string, number> {
  // Read by position: /proc/self/fd is closed to a hardened process (proc(5), dumpable).
  const bytes = Buffer.alloc(64 * 1024)
  const lines = bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0)).split('\n')
  return new Map(lines.map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1] ?? 0)]))
}
