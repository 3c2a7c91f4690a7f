import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import { allowListedEnvironment } from '../hardening/environment.ts'
import { ensurePlaces, places } from '../platform/dirs.ts'
import type { Dirs } from '../platform/dirs.ts'
import { bundlePath, daemonCommand } from '../platform/install.ts'
import { peerOf } from '../platform/peer.ts'
import { reachDaemon } from './connect.ts'
import { ringBell } from './ring-bell.ts'

/** A cold start takes a fraction of a second; a machine under load may need more. */
const startDeadlineMs = 10_000
const firstPauseMs = 10
const longestPauseMs = 100

/** A daemon that found the lock taken has ended well; if the holder was just ending too, another is needed. */
const relaunchMs = 500

/**
 * Starts the daemon and connects to it: by the service manager where one listens for that, else by itself. Of several clients that do so at once each starts one; the daemon's
 * lock lets one live, the others end with exit code 0, and every client finds the one.
 * @param bundle the daemon's program; tests give others.
 * @throws GuardError `place-unsafe`; `daemon-unreachable` when no daemon answers in time, with the log's name.
 */
export async function startDaemon(found: Dirs, bundle: string = bundlePath('daemon')): Promise<Socket> {
  ensurePlaces(found)
  if (!existsSync(bundle)) throw notStarted(found, `${bundle} is missing`, 'install kubeguard again')
  const byService = (await ringBell(found, startDeadlineMs)) ? await reachDaemon(found) : undefined
  if (byService !== undefined) return byService
  let started = launch(bundle)
  const giveUpAt = performance.now() + startDeadlineMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const { failure } = started
    const socket = await reachDaemon(found)
    if (socket !== undefined) {
      // One that lost but has not come far enough to know could outlive the winner, and hold the lock then.
      if (peerOf(socket).pid !== started.pid) started.end()
      return socket
    }
    if (failure !== undefined) throw notStarted(found, failure)
    if (performance.now() > giveUpAt) {
      throw notStarted(found, `it did not answer within ${startDeadlineMs / 1000} s`)
    }
    await pause(pauseMs)
    if (started.endedWell && performance.now() > started.atMs + relaunchMs) started = launch(bundle)
  }
}

interface Launched {
  readonly pid: number | undefined
  /** SIGKILL: it has nothing to finish yet. */
  end(): void
  readonly atMs: number
  endedWell: boolean
  failure: string | undefined
}

/** A session of its own, no descriptor of ours, and an environment that can't carry foreign code. */
function launch(bundle: string): Launched {
  const [program, ...args] = daemonCommand(bundle)
  const child = spawn(program, args, {
    cwd: '/',
    detached: true,
    env: allowListedEnvironment(process.env),
    stdio: 'ignore',
  })
  const launched: Launched = {
    pid: child.pid,
    end: () => void child.kill('SIGKILL'),
    atMs: performance.now(),
    endedWell: false,
    failure: undefined,
  }
  child.on('error', (error) => (launched.failure = error.message))
  child.on('exit', (code, signal) => {
    launched.endedWell = code === 0
    if (code !== 0)
      launched.failure = signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`
  })
  child.unref()
  return launched
}

function notStarted(found: Dirs, why: string, cure?: string): GuardError {
  return new GuardError('daemon-unreachable', `the daemon can’t be started: ${why}`, {
    cure: cure ?? `look into ${places.logFile(found)}, or run: kubeguard doctor`,
  })
}
