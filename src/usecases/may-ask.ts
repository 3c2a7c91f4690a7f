import { ticksPerSecond } from './ports.ts'
import type { Clock, ProcessFacts, Terminals } from './ports.ts'
import { humanIsHere } from './watch-presence.ts'

const freshClientMs = 10_000
const recentInputMs = 30_000

/**
 * May this client's call lead to a prompt? The rest of the rules (canonical mode, settings unchanged) are
 * checked by whoever prompts; these here keep pollers and detached clients from trying at all.
 */
export function mayAskHere(
  deps: { clock: Clock; terminals: Terminals },
  request: { mayAsk: boolean; asked: boolean },
  asker: ProcessFacts,
  client: { startTicks: number },
): boolean {
  if (!request.mayAsk || request.asked) return false
  if (asker.pgrp !== asker.foregroundPgrp) return false
  const startedBootMs = (client.startTicks * 1000) / ticksPerSecond
  if (deps.clock.now().bootMs - startedBootMs > freshClientMs) return false
  return humanIsHere(deps, asker, recentInputMs)
}
