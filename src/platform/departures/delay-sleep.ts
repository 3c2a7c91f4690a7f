import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

/** A delay lock at the log-in manager: `systemd-inhibit` has it for as long as the program that it runs. */
const program = 'systemd-inhibit'
const args = [
  '--what=sleep',
  '--mode=delay',
  '--who=kubeguard',
  '--why=locks kubectl sessions before the machine sleeps',
  'cat',
]

/** Where programs of the system are; nothing of the account's own PATH is run. */
const systemPath = '/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin'

export interface DelayedSleep {
  /** From here on the machine may sleep. */
  release(): void
}

/**
 * Has the machine wait for us before it sleeps, for as long as its log-in manager lets one (InhibitDelayMaxSec, 5 s unless set).
 * The lock hangs on a pipe from this process, so it goes with it, however that ends. Where it can't be had nothing is said
 * here: `onGone` is told.
 */
export function delaySleep(onGone: () => void): DelayedSleep {
  let isReleased = false
  const child: ChildProcess = spawn(program, args, {
    env: { PATH: systemPath },
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const gone = (): void => {
    if (!isReleased) onGone()
    isReleased = true
  }
  child.on('error', gone)
  child.on('exit', gone)
  child.stdin?.on('error', () => {})
  return {
    release() {
      isReleased = true
      child.stdin?.destroy()
    },
  }
}
