import { setTimeout as delay } from 'node:timers/promises'
import type { ProcessId, TreeRoot } from '../../usecases/ports.ts'
import { findTrees } from './find-tree.ts'
import type { Keep, Member } from './find-tree.ts'
import { isAlive } from './inspect.ts'
import { isStopped, scanProcesses } from './proc-stat.ts'

/** A tree that still grows after this many looks forks faster than we can look: it is ended as it is. */
const mostRounds = 20
/** How often the dying are looked at: kubectl needs about 9 ms. */
const pollMs = 1
/** A process in uninterruptible sleep does not even die of SIGKILL; this long we wait for it. */
const killPatienceMs = 5_000

/**
 * Ends process trees: freezes them so that none can start another child meanwhile, sends TERM and
 * then CONT (so that it is the handler that runs first), and KILL to what is left after its grace.
 * TERM first, because kubectl gives the terminal back its settings on it and not on KILL.
 * @throws Error naming the pids that could not be ended.
 */
export async function endTrees(roots: readonly TreeRoot[], keep: Keep): Promise<void> {
  if (roots.length === 0) return
  const members = freeze(roots, keep)
  const refused = members.filter(({ stat }) => !send(stat, 'SIGTERM'))
  for (const { stat } of members) send(stat, 'SIGCONT')
  const left = await killAfterGrace(
    members.filter((member) => !refused.includes(member)),
    keep,
  )
  const outlived = [...refused, ...left].map(({ stat }) => stat.pid)
  if (outlived.length > 0) throw new Error(`these processes could not be ended: ${outlived.join(', ')}`)
}

/** @returns what is still there after all patience. */
async function killAfterGrace(members: readonly Member[], keep: Keep): Promise<readonly Member[]> {
  const startedMs = performance.now()
  const killed = new Set<number>()
  let left = members.filter(({ stat }) => isAlive(stat))
  while (left.length > 0) {
    const ageMs = performance.now() - startedMs
    if (left.every((member) => ageMs > member.graceMs + killPatienceMs)) return left
    const overdue = left.filter(({ stat, graceMs }) => ageMs >= graceMs && !killed.has(stat.pid))
    const found = overdue.length > 0 ? kill(overdue, keep) : []
    for (const { stat } of [...overdue, ...found]) killed.add(stat.pid)
    await delay(pollMs)
    left = [...new Map([...found, ...left].map((member) => [member.stat.pid, member])).values()].filter(
      ({ stat }) => isAlive(stat),
    )
  }
  return []
}

/** Kills what outstayed its grace, and what it started meanwhile. @returns all that was killed. */
function kill(overdue: readonly Member[], keep: Keep): Member[] {
  const roots = overdue.map(({ stat, graceMs, alone }) => ({ id: stat, graceMs, alone }))
  const trees = freeze(roots, keep)
  for (const { stat } of trees) send(stat, 'SIGKILL')
  return trees
}

/**
 * Stops the trees until a look at the whole table finds nothing new and all that was found stands
 * still. A process without children is not stopped: its shell would take the terminal back and call
 * it suspended, and kubectl could not restore the terminal from the background.
 */
function freeze(roots: readonly TreeRoot[], keep: Keep): Member[] {
  const all = new Map<number, Member>()
  for (let round = 0; round < mostRounds; round += 1) {
    const members = findTrees(scanProcesses(), roots, keep)
    for (const [pid, member] of members) all.set(pid, member)
    // Whoever is new since the last look moves; one in uninterruptible sleep stops when it wakes.
    const moving = withFamily(members).filter(({ stat }) => !isStopped(stat))
    for (const { stat } of moving) send(stat, 'SIGSTOP')
    if (moving.every(({ stat }) => stat.state === 'D')) break
  }
  return [...all.values()]
}

function withFamily(members: ReadonlyMap<number, Member>): Member[] {
  const parents = new Set([...members.values()].map(({ stat }) => stat.ppid))
  return [...members.values()].filter(({ stat }) => members.has(stat.ppid) || parents.has(stat.pid))
}

/** @returns false where we may not signal it. One that is gone, or whose pid is another's now, is fine. */
function send(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(id)) return true
  try {
    process.kill(id.pid, signal)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
