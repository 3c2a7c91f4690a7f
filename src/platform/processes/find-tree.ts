import type { ProcessFacts, TreeRoot } from '../../usecases/ports.ts'
import { factsOf } from './inspect.ts'
import { hasEnded } from './proc-stat.ts'
import type { ProcStat } from './proc-stat.ts'

/** One process that a lock is to end. */
export interface Member {
  readonly stat: ProcStat
  readonly graceMs: number
  /** What it started is not ended with it. */
  readonly alone: boolean
}

export type Keep = (facts: ProcessFacts) => boolean

/**
 * Everything that the roots started, by pid: children of children in any process group and session,
 * and orphans that still name a root as the leader of their session or, away from their parent, of
 * their group. What `keep` names is left out, with all that it started.
 */
export function findTrees(
  table: ReadonlyMap<number, ProcStat>,
  roots: readonly TreeRoot[],
  keep: Keep,
): Map<number, Member> {
  const members = new Map<number, Member>()
  const kept = new Set<number>()
  const children = childrenByParent(table)
  const visit = (stat: ProcStat, graceMs: number, alone: boolean): void => {
    if (members.has(stat.pid) || kept.has(stat.pid) || hasEnded(stat) || stat.pid === process.pid) return
    if (keep(factsOf(stat))) {
      kept.add(stat.pid)
      return
    }
    members.set(stat.pid, { stat, graceMs, alone })
    if (alone) return
    for (const child of children.get(stat.pid) ?? []) visit(child, graceMs, false)
  }
  // A holder that a live process started is ended with what it started: those with children come first.
  const ordered = [...roots].sort((one, other) => Number(one.alone ?? false) - Number(other.alone ?? false))
  for (const { id, graceMs, alone = false } of ordered) {
    const root = table.get(id.pid)
    if (root !== undefined && root.startTicks === id.startTicks) visit(root, graceMs, alone)
    if (alone) continue
    // The root may be gone and its pid given away: orphans of that session are older than the new one.
    const limit = root !== undefined && root.startTicks !== id.startTicks ? root.startTicks : Infinity
    for (const stat of orphansOf(table, id.pid)) {
      if (stat.startTicks >= id.startTicks && stat.startTicks < limit) visit(stat, graceMs, false)
    }
  }
  return members
}

function childrenByParent(table: ReadonlyMap<number, ProcStat>): Map<number, ProcStat[]> {
  const children = new Map<number, ProcStat[]>()
  for (const stat of table.values()) {
    const siblings = children.get(stat.ppid)
    if (siblings === undefined) children.set(stat.ppid, [stat])
    else siblings.push(stat)
  }
  return children
}

/** The rest of a pipeline has its leader's group too, but also a parent in the same session: not ours. */
function orphansOf(table: ReadonlyMap<number, ProcStat>, leader: number): ProcStat[] {
  return [...table.values()].filter(
    (stat) =>
      stat.pid !== leader &&
      (stat.session === leader || (stat.pgrp === leader && table.get(stat.ppid)?.session !== stat.session)),
  )
}
