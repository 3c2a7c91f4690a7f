import { ticksPerSecond } from './ports.ts'
import type { ProcessFacts, ProcessId } from './ports.ts'

/** An old client asks for itself (a refresh in the background), not for a person who waits for it. */
const freshClientMs = 10_000

/**
 * May this client's call lead to a prompt? The rest of the rules (a person at the terminal, canonical mode) are
 * checked by whoever prompts; these here keep pollers and detached clients from trying at all. `sinceBootMs`: when
 * the client met the lock; one that waits for somebody else's prompt grows no older by that.
 */
export function mayAskHere(
  request: { mayAsk: boolean; asked: boolean },
  asker: ProcessFacts,
  client: ProcessId,
  sinceBootMs: number,
): boolean {
  if (!request.mayAsk || request.asked) return false
  if (asker.pgrp !== asker.foregroundPgrp) return false
  return sinceBootMs - startedBootMs(client) <= freshClientMs
}

/** @returns when a process was started, on the boot clock: no later than that. */
export function startedBootMs({ startTicks }: ProcessId): number {
  return (startTicks * 1000) / ticksPerSecond
}

/**
 * May it lead to a question by the policy's pinentry? Where there is a terminal, that is where it is asked, or not at all.
 * That nobody has said no to it since the last unlock is the question's to know (question.ts).
 */
export function mayAskByPinentry(
  request: { mayAsk: boolean; mayWait: boolean; asked: boolean },
  pinentry: string,
  asker: ProcessFacts,
  { client, sinceBootMs }: { readonly client: ProcessId; readonly sinceBootMs: number },
): boolean {
  // `mayWait`: KUBEGUARD_PROMPT is not never.
  if (pinentry === '' || request.mayAsk || request.asked || !request.mayWait) return false
  return asker.ttyDevice === 0 && sinceBootMs - startedBootMs(client) <= freshClientMs
}
