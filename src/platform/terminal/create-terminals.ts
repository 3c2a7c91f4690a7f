import { firstLook, inputTime, lookAgain } from '../../domain/presence.ts'
import type { TerminalLook, TerminalMemory } from '../../domain/presence.ts'
import type { ProcessFacts, TerminalId, Terminals } from '../../usecases/ports.ts'
import { isSameTerminal, pathOfDevice, statTerminal } from './own-devpts.ts'
import { unreadBytes } from './unread-bytes.ts'

interface Known {
  readonly id: TerminalId
  /** The session that it controls. A device number that is used again has another one. */
  session: number
  memory: TerminalMemory
}

/** More terminals than a person has; the one not asked for longest is forgotten. */
const mostTerminals = 256

/** The terminals of /dev/pts. Nothing watches them: each is looked at when somebody asks. */
export function createTerminals(): Terminals {
  const known = new Map<number, Known>()
  const belief = createFirstBelief()
  return {
    ofProcess: (facts) => terminalOf(known, facts, belief.first),
    inputTimeMs: (terminal, now) => {
      const found = known.get(terminal.device)
      if (found === undefined || found.id.birthNs !== terminal.birthNs) return undefined
      const look = lookAt(terminal, now.wallMs)
      if (look === undefined) {
        known.delete(terminal.device)
        return undefined
      }
      const before = found.memory
      found.memory = lookAgain(before, look)
      belief.later(before, found.memory)
      return inputTime(found.memory)
    },
  }
}

type Believe = (first: TerminalMemory) => TerminalMemory

/**
 * On a terminal not seen before, a date that someone set a moment ahead looks like typing once it has come, and
 * new terminals cost nothing. So one first look is believed, and the next one when a later look has seen a
 * person: only the kernel moves the access time and leaves the change time.
 */
function createFirstBelief(): {
  first: Believe
  later: (before: TerminalMemory, now: TerminalMemory) => void
} {
  let spent = false
  return {
    first(memory) {
      const trusted = memory.trusted && !spent
      spent ||= trusted
      return { ...memory, trusted }
    },
    later(before, now) {
      const moved = now.trusted && now.look.atimeNs !== before.look.atimeNs
      if (moved || now.typedMs !== before.typedMs) spent = false
    },
  }
}

function terminalOf(
  known: Map<number, Known>,
  facts: ProcessFacts,
  believe: Believe,
): TerminalId | undefined {
  const device = facts.ttyDevice
  const path = pathOfDevice(device)
  const stat = path === undefined ? undefined : statTerminal(path, device)
  if (path === undefined || stat === undefined || !isSameTerminal(facts, stat)) return undefined
  const before = known.get(device)
  known.delete(device)
  const same =
    before !== undefined && (before.session === facts.session || before.memory.look.ctimeNs === stat.ctimeNs)
  const now = same ? before : meet({ path, device, birthNs: stat.ctimeNs }, facts.session, believe)
  if (now === undefined) return undefined
  now.session = facts.session
  known.set(device, now)
  const oldest = known.keys().next().value
  if (known.size > mostTerminals && oldest !== undefined) known.delete(oldest)
  return now.id
}

function meet(id: TerminalId, session: number, believe: Believe): Known | undefined {
  const look = lookAt(id, Date.now())
  return look === undefined ? undefined : { id, session, memory: believe(firstLook(look)) }
}

function lookAt({ path, device }: TerminalId, nowMs: number): TerminalLook | undefined {
  const stat = statTerminal(path, device)
  if (stat === undefined) return undefined
  return { atimeNs: stat.atimeNs, ctimeNs: stat.ctimeNs, unreadBytes: unreadBytes(path), nowMs }
}
