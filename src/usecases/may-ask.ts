import { ticksPerSecond } from './ports.ts'
import type { Clock, ProcessFacts } from './ports.ts'

const freshClientMs = 10_000

/**
 * May this client's call lead to a prompt? The rest of the rules (a person at the terminal, canonical mode)
 * are checked by whoever prompts; these here keep pollers and detached clients from trying at all.
 */
export function mayAskHere(
  { clock }: { clock: Clock },
  request: { mayAsk: boolean; asked: boolean },
  asker: ProcessFacts,
  client: { startTicks: number },
): boolean {
  if (!request.mayAsk || request.asked) return false
  if (asker.pgrp !== asker.foregroundPgrp) return false
  const startedBootMs = (client.startTicks * 1000) / ticksPerSecond
  return clock.now().bootMs - startedBootMs <= freshClientMs
}
