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
  return {
    ofProcess: (facts) => terminalOf(known, facts),
    inputTimeMs: (terminal, now) => {
      const found = known.get(terminal.device)
      if (found === undefined || found.id.birthNs !== terminal.birthNs) return undefined
      const look = lookAt(terminal, now.wallMs)
      if (look === undefined) {
        known.delete(terminal.device)
        return undefined
      }
      found.memory = lookAgain(found.memory, look)
      return inputTime(found.memory)
    },
  }
}

function terminalOf(known: Map<number, Known>, facts: ProcessFacts): TerminalId | undefined {
  const device = facts.ttyDevice
  const path = pathOfDevice(device)
  const stat = path === undefined ? undefined : statTerminal(path, device)
  if (path === undefined || stat === undefined || !isSameTerminal(facts, stat)) return undefined
  const before = known.get(device)
  known.delete(device)
  const same =
    before !== undefined && (before.session === facts.session || before.memory.look.ctimeNs === stat.ctimeNs)
  const now = same ? before : meet({ path, device, birthNs: stat.ctimeNs }, facts.session)
  if (now === undefined) return undefined
  now.session = facts.session
  known.set(device, now)
  const oldest = known.keys().next().value
  if (known.size > mostTerminals && oldest !== undefined) known.delete(oldest)
  return now.id
}

function meet(id: TerminalId, session: number): Known | undefined {
  const look = lookAt(id, Date.now())
  return look === undefined ? undefined : { id, session, memory: firstLook(look) }
}

function lookAt({ path, device }: TerminalId, nowMs: number): TerminalLook | undefined {
  const stat = statTerminal(path, device)
  if (stat === undefined) return undefined
  return { atimeNs: stat.atimeNs, ctimeNs: stat.ctimeNs, unreadBytes: unreadBytes(path), nowMs }
}
