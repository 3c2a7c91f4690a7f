import { setTimeout as delay } from 'node:timers/promises'
import type { TreeRoot } from '../../usecases/ports.ts'
import { findTrees } from './find-tree.ts'
import type { Keep, Member } from './find-tree.ts'
import { isAlive } from './inspect.ts'
import { mendTerminal } from './mend-terminal.ts'
import { isStopped, scanProcesses } from './proc-stat.ts'
import { signalProcess } from './signal-process.ts'

/** A tree that still grows after this many looks forks faster than we can look: it is ended as it is. */
const mostRounds = 20
/** How often the dying are looked at: kubectl needs about 9 ms. */
const pollMs = 1
/** What they start meanwhile is looked for: soon, then more and more rarely. */
const firstLookMs = 4
const lastLookMs = 64
/** A process in uninterruptible sleep does not even die of SIGKILL; this long we wait for it. */
const killPatienceMs = 5_000

/**
 * Ends process trees: freezes them so that none can start another child meanwhile, sends TERM and
 * then CONT (so that it is the handler that runs first), and KILL to what is left after its grace.
 * TERM first, because kubectl gives the terminal back its settings on it and not on KILL.
 * What native/reaper/ending.c does, for where no compiler was; `keep` names whom to leave alone.
 * @throws Error naming the pids that could not be ended.
 */
export async function endTrees(roots: readonly TreeRoot[], keep: Keep): Promise<void> {
  if (roots.length === 0) return
  const ending = new Ending(keep)
  ending.begin(roots)
  const outlived = await ending.finish()
  if (outlived.length > 0) throw new Error(`these processes could not be ended: ${outlived.join(', ')}`)
}

interface Dying extends Member {
  /** When KILL comes; once it has come, when it is given up. */
  dueMs: number
  /** `later`: started by a handler of TERM, and let it do its work; ended when what it came of is gone. */
  phase: 'termed' | 'later' | 'killed'
}

class Ending {
  readonly #keep: Keep
  readonly #dying = new Map<number, Dying>()
  /** Those that we may not signal, and those that do not even die of KILL. */
  readonly #outlived: number[] = []
  #lookPauseMs = firstLookMs

  constructor(keep: Keep) {
    this.#keep = keep
  }

  begin(roots: readonly TreeRoot[]): void {
    const nowMs = performance.now()
    const fresh = freeze(roots, this.#keep).filter(({ stat }) => {
      const phase = this.#dying.get(stat.pid)?.phase
      return (phase === undefined || phase === 'later') && !this.#outlived.includes(stat.pid)
    })
    for (const member of fresh) {
      const { stat, graceMs } = member
      const dueMs = this.#dying.get(stat.pid)?.dueMs ?? nowMs + graceMs
      this.#dying.delete(stat.pid)
      if (signalProcess(stat, 'SIGTERM')) this.#dying.set(stat.pid, { ...member, dueMs, phase: 'termed' })
      else this.#outlived.push(stat.pid)
    }
    for (const { stat } of fresh) signalProcess(stat, 'SIGCONT')
  }

  /** @returns the pids that could not be ended. */
  async finish(): Promise<readonly number[]> {
    let nextLookMs = performance.now() + this.#lookPauseMs
    while (this.#dying.size > 0) {
      await delay(pollMs)
      const ended = [...this.#dying.values()].filter(({ stat }) => !isAlive(stat))
      if (ended.length === this.#dying.size || performance.now() >= nextLookMs) {
        this.#lookForMore()
        for (const { stat } of ended) this.#dying.delete(stat.pid)
        this.#endLaterOnes()
        this.#lookPauseMs = Math.min(lastLookMs, this.#lookPauseMs * 2)
        nextLookMs = performance.now() + this.#lookPauseMs
      }
      this.#killOverdue()
    }
    return this.#outlived
  }

  /** A handler of TERM may have started something: that is ended, too, when the handler is done. */
  #lookForMore(): void {
    const dueMs = Math.max(...[...this.#dying.values()].map((dying) => dying.dueMs))
    const found = findTrees(scanProcesses(), rootsOf(this.#dying.values()), this.#keep)
    for (const [pid, member] of found) {
      if (this.#dying.has(pid) || this.#outlived.includes(pid)) continue
      this.#dying.set(pid, { ...member, dueMs, phase: 'later' })
    }
  }

  #endLaterOnes(): void {
    const left = [...this.#dying.values()]
    if (left.length > 0 && left.every(({ phase }) => phase === 'later')) this.begin(rootsOf(left))
  }

  /** Kills what outstayed its grace, and all that came of it. */
  #killOverdue(): void {
    const nowMs = performance.now()
    const overdue = [...this.#dying.values()].filter(({ dueMs }) => nowMs >= dueMs)
    for (const { stat } of overdue.filter(({ phase }) => phase === 'killed')) {
      this.#dying.delete(stat.pid)
      if (isAlive(stat)) this.#outlived.push(stat.pid)
    }
    const toKill = overdue.filter(({ phase }) => phase !== 'killed')
    if (toKill.length === 0) return
    const trees = new Map([...toKill, ...freeze(rootsOf(toKill), this.#keep)].map((it) => [it.stat.pid, it]))
    for (const member of trees.values()) {
      if (this.#dying.get(member.stat.pid)?.phase === 'killed') continue
      mendTerminal(member.stat.pid)
      signalProcess(member.stat, 'SIGKILL')
      this.#dying.set(member.stat.pid, { ...member, dueMs: nowMs + killPatienceMs, phase: 'killed' })
    }
  }
}

const rootsOf = (members: Iterable<Member>): TreeRoot[] =>
  [...members].map(({ stat, graceMs, alone }) => ({ id: stat, graceMs, alone }))

/**
 * Stops the trees until a look at the whole table finds nothing new and all that was found stands
 * still. A process without children is not stopped: its shell would take the terminal back and call
 * it suspended, and kubectl could not restore the terminal from the background.
 */
function freeze(roots: readonly TreeRoot[], keep: Keep): Member[] {
  const all = new Map<number, Member>()
  for (let round = 0; round < mostRounds; round += 1) {
    // What was found before is looked for by itself: its parent may have ended in between.
    const members = findTrees(scanProcesses(), [...roots, ...rootsOf(all.values())], keep)
    for (const [pid, member] of members) all.set(pid, member)
    // Whoever is new since the last look moves; one in uninterruptible sleep stops when it wakes.
    const moving = withFamily(members).filter(({ stat }) => !isStopped(stat))
    for (const { stat } of moving) signalProcess(stat, 'SIGSTOP')
    if (moving.every(({ stat }) => stat.state === 'D')) break
  }
  return [...all.values()]
}

function withFamily(members: ReadonlyMap<number, Member>): Member[] {
  const parents = new Set([...members.values()].map(({ stat }) => stat.ppid))
  return [...members.values()].filter(({ stat }) => members.has(stat.ppid) || parents.has(stat.pid))
}
