import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import { dirs, ensurePlaces } from '../platform/dirs.ts'
import { tryLock } from '../platform/libc.ts'
import { openTerminal } from './tty-device.ts'
import { processStat } from './tty-process.ts'

/** The right to ask on one terminal: questions for two policies must not read the same keys. */
export interface PromptTurn {
  release(): void
}

const retryEveryMs = 50

/** The question that is open ends after a minute; a mistyped passphrase begins another. */
const longestWaitMs = 120_000

/**
 * Waits for the turn on this terminal; the kernel gives it on when its holder ends, however it ends. A holder that
 * was stopped (Ctrl-Z) is not in the foreground, so that it reads no key: it is not waited for.
 * @returns undefined where there is no terminal.
 * @throws GuardError `cannot-ask-here` where the other question stays open.
 */
export async function takePromptTurn(): Promise<PromptTurn | undefined> {
  const terminal = openTerminal()
  if (terminal === undefined) return undefined
  terminal.close()
  return takeTurnAt(terminal.path)
}

/**
 * The same for whatever else only one may ask at, by its name.
 * @throws GuardError `cannot-ask-here` where the other question stays open.
 */
export async function takeTurnAt(name: string): Promise<PromptTurn> {
  const places = dirs()
  ensurePlaces(places)
  const fd = openSync(join(places.run, `prompt-${name.replace(/^\//, '').replaceAll('/', '-')}`), 'a+', 0o600)
  const turn = { release: () => closeSync(fd) }
  for (
    const endsAt = performance.now() + longestWaitMs;
    performance.now() < endsAt;
    await sleep(retryEveryMs)
  ) {
    if (tryLock(fd)) {
      ftruncateSync(fd)
      writeSync(fd, String(process.pid))
      return turn
    }
    if (isStopped(holderOf(fd))) return turn
  }
  turn.release()
  throw new GuardError('cannot-ask-here', 'can’t ask here: another question is open')
}

function holderOf(fd: number): number {
  // Read by position: /proc/self/fd is closed to a hardened process (proc(5), dumpable).
  const bytes = Buffer.alloc(16)
  return Number(bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0)))
}

function isStopped(pid: number): boolean {
  return pid > 0 && processStat(pid)?.state === 'T'
}
