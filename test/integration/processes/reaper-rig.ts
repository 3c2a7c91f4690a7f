import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { ReaperProcess } from '../../../src/platform/reaper/reaper-process.ts'
import { spawnReaper } from '../../../src/platform/reaper/spawn-reaper.ts'
import type { ReaperKind } from '../../../src/platform/reaper/spawn-reaper.ts'
import type { TreeRoot } from '../../../src/usecases/ports.ts'
import { isAlive } from '../../../src/platform/processes/inspect.ts'
import { readProcStat } from '../../../src/platform/processes/proc-stat.ts'
import type { ProcStat } from '../../../src/platform/processes/proc-stat.ts'
import { eventually } from './family.ts'

export const reaperKinds = ['native', 'fallback'] as const

/** A reaper of either make, spoken to as the daemon does. */
export class ReaperRig {
  readonly process: ReaperProcess
  readonly #child: ChildProcess
  readonly #stat: ProcStat
  #group = 100
  gone = false
  /** What the last heartbeat found left to watch. */
  watched: number | undefined

  constructor(kind: ReaperKind) {
    this.#child = spawnReaper(kind)
    this.process = new ReaperProcess(this.#child, {
      gone: () => (this.gone = true),
      watched: (count) => (this.watched = count),
    })
    const stat = readProcStat(this.process.pid as number)
    if (stat === undefined) throw new Error('no reaper')
    this.#stat = stat
  }

  /** Ends these, as one lock does. @returns the pids that could not be ended. */
  end(roots: readonly TreeRoot[]): Promise<string> {
    this.#group += 1
    for (const root of roots) this.process.watch(this.#group, root)
    return this.process.end(this.#group, 20_000)
  }

  /** Resolves once it has looked at what it watches, with how many that are. */
  look(group = 1, leftMs = 3_600_000): Promise<number> {
    this.watched = undefined
    const bootMs = Number(process.hrtime.bigint() / 1_000_000n)
    this.process.live([{ group, deadlineBootMs: bootMs + leftMs, lifetimeWallMs: Date.now() + leftMs }])
    return eventually(() => (this.watched === undefined ? undefined : this.watched))
  }

  get isRunning(): boolean {
    return isAlive(this.#stat)
  }

  /** Bytes of no message of ours. */
  raw(bytes: Buffer): void {
    ;(this.#child.stdio[3] as Duplex).write(bytes)
  }

  close(): void {
    this.process.kill()
  }
}
