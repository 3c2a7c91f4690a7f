import { classify } from '../domain/command.ts'
import type { Command } from '../domain/command.ts'
import { errorCatalogue } from '../domain/errors.ts'
import { decide } from '../domain/gate.ts'
import { classifyTool } from '../domain/tool-command.ts'
import { describeProgram } from '../domain/writer.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import { deny, refusal } from './explain-lock.ts'
import type { Refusal } from './explain-lock.ts'
import type { FindProgram, FoundProgram } from './find-program.ts'
import { rememberTerminal } from './guarded-session.ts'
import type { Client } from './guarded-session.ts'
import { isHeldFor } from './held-processes.ts'
import { mayAskByPinentry, mayAskHere } from './may-ask.ts'
import { meetLock } from './meet-lock.ts'
import type {
  Clock,
  Journal,
  Kubeconfigs,
  ProcessFacts,
  ProcessTable,
  Reaper,
  Terminals,
  VaultCatalogue,
} from './ports.ts'
import { rememberWriter } from './remember-writer.ts'
import type { Questions } from './questions.ts'
import { resolveGuard } from './resolve-guard.ts'
import type { ClientPlace, Target } from './resolve-guard.ts'
import type { SessionTable } from './session-table.ts'
import type { Supervisors } from './supervisors.ts'
import { trackClient } from './track-client.ts'
import { vouchForClient } from './vouch-for-client.ts'
import { watchPresence } from './watch-presence.ts'

interface Deps {
  readonly clock: Clock
  readonly journal: Journal
  readonly kubeconfigs: Kubeconfigs
  readonly processes: ProcessTable
  readonly reaper: Reaper
  readonly terminals: Terminals
  readonly vaults: Pick<VaultCatalogue, 'credentials' | 'kind'>
  readonly table: SessionTable
  readonly findProgram: FindProgram
  readonly questions: Questions
  readonly supervisors: Pick<Supervisors, 'around' | 'program'>
}

type Request = RequestOf<'gate.check'>
type Reply = ReplyOf<'gate.check'>

/** Path 1 of docs/architecture.md: may this kubectl, or another tool, run, and which program is it? */
export async function checkCommand(deps: Deps, request: Request, peerPid: number): Promise<Reply> {
  const facts = deps.processes.inspect(peerPid)
  if (facts === undefined)
    return deny(refusal('the asking process can’t be seen from here', 'run it outside of the container'))
  const path = request.path?.toString('latin1') ?? ''
  const found = deps.findProgram.find(request.argv, path, facts)
  if (found === undefined) return deny(missing(deps.findProgram.toolOf(request.argv)))
  const argv = request.argv.map((argument) => argument.toString())
  const command = found.tool === 'kubectl' ? classify(argv) : classifyTool(found.tool, argv.slice(1))
  if (command.verbClass === 'local') return allow(found)
  const target = await resolveGuard(deps, facts, placeOf(request), command)
  const { name, policy } = target.guarded
  if (request.waits) await deps.questions.change(name, facts)
  // Whoever waited may be in the foreground by now.
  const now = request.waits ? (deps.processes.inspect(peerPid) ?? facts) : facts
  return { ...gate(deps, request, { facts: now, args: argv.slice(1), command, target, found }), policy }
}

/** One that asks again before it was allowed anything is not behind another shim. */
function allow(found: FoundProgram): Reply {
  found.remember()
  return { verdict: 'allow', program: Buffer.from(found.path, 'latin1') }
}

/** Which kubeconfig the client reads, from its own environment. */
export function placeOf(request: {
  cwd: Buffer
  home?: Buffer | undefined
  kubeconfig?: Buffer | undefined
}): ClientPlace {
  return {
    cwd: request.cwd.toString(),
    home: request.home?.toString(),
    kubeconfig: request.kubeconfig?.toString(),
  }
}

interface Asked {
  readonly facts: ProcessFacts
  readonly args: readonly string[]
  readonly command: Command
  readonly target: Target
  readonly found: FoundProgram
}

function gate(deps: Deps, request: Request, asked: Asked): Reply {
  const { facts, command, target, found } = asked
  const { guarded, context } = target
  watchPresence(deps, guarded)
  const served = isHeldFor(deps, guarded, facts.pid)
  switch (decide({ command, session: guarded.session, served })) {
    case 'deny-completion':
      return { verdict: 'deny', exitCode: 0 }
    case 'challenge': {
      // Completions of all kinds: kubectl's own are known by their arguments.
      if (found.tool !== 'kubectl' && deps.processes.isCompletion(facts.pid))
        return { verdict: 'deny', exitCode: 0 }
      const answer = meetLock(deps, guarded, request, {
        facts,
        client: facts,
        mayWait: true,
        mayAsk: (sinceBootMs) =>
          mayAskHere(request, facts, facts, sinceBootMs) ||
          mayAskByPinentry(request, deps.table.rules(guarded.policy).pinentry, facts, {
            client: facts,
            sinceBootMs,
          }),
      })
      if (answer.verdict === 'deny') {
        const details = { program: found.tool, verb: command.verb ?? '', context }
        deps.journal.record({ event: 'refused', policy: guarded.policy, details })
      }
      return answer
    }
    case 'allow':
      // What was not asked about has no session to be watched over for.
      if (guarded.session.state !== 'unlocked' && !served) return allow(found)
      // Completion runs on every TAB of whoever is there: it never counts as activity.
      if (!command.completion && !served) rememberTerminal(guarded, deps.terminals.ofProcess(facts))
      const supervised = maySupervise(deps, request, command, facts)
      if (mayStream(command, facts)) {
        trackClient(deps, target, liveClient(asked, supervised))
        // The shim becomes the tool: its own arguments tell already.
        rememberWriter(deps, guarded, { ...facts, program: found.tool })
      }
      if (supervised) return { ...allow(found), supervisor: Buffer.from(deps.supervisors.program) }
      // The shim need not wait for what its plugin will ask in some 10 ms.
      setImmediate(() => vouchForClient(deps, target, liveClient(asked, false)))
      return allow(found)
  }
}

/**
 * kuberc can make a stream of any command (a default of `watch` for `get`), and is not read here. With a terminal
 * such a client is ended as a holder; without one it must be known as live.
 */
function mayStream(command: Command, facts: ProcessFacts): boolean {
  return command.verbClass !== 'unary' || facts.ttyDevice === 0
}

/**
 * A stream that has a person's terminal for itself. Not one that waits in the background for its turn, nor one on a
 * terminal that is a supervisor's already.
 */
function maySupervise(
  { supervisors }: Deps,
  { ttys }: Request,
  { verbClass }: Command,
  facts: ProcessFacts,
): boolean {
  const isOnTerminal = (ttys & inputAndOutput) === inputAndOutput && facts.ttyDevice !== 0
  if (verbClass !== 'interactive' || !isOnTerminal || facts.pgrp !== facts.foregroundPgrp) return false
  return supervisors.around(facts) === undefined
}

/** Bits of `ttys`. */
const inputAndOutput = 3

/** After TERM kubectl restores the terminal within milliseconds; a live command without one may have more to end. */
const interactiveGraceMs = 200
const otherGraceMs = 2_000
/** A supervisor kills the program after 200 ms itself, and mends the terminal. */
const supervisorGraceMs = 1_000

function liveClient(
  { facts, args, command, target, found }: Asked,
  supervised: boolean,
): Omit<Client, 'since'> {
  const graceMs = command.verbClass === 'interactive' ? interactiveGraceMs : otherGraceMs
  return {
    ...(found.tool === 'kubectl' ? kubectlNames(command, target) : toolNames(found.tool, args)),
    id: { pid: facts.pid, startTicks: facts.startTicks },
    kind: 'live',
    context: target.context,
    graceMs: supervised ? supervisorGraceMs : graceMs,
    hasTerminal: facts.ttyDevice !== 0,
    ...(supervised ? { supervised } : {}),
  }
}

function kubectlNames(command: Command, target: Target): Pick<Client, 'program' | 'command' | 'namespace'> {
  return {
    program: `kubectl ${command.verb ?? ''}`.trim(),
    command: ['kubectl', command.verb ?? '', ...command.subject].join(' ').trim(),
    namespace: command.namespace ?? target.namespace ?? 'default',
  }
}

function toolNames(tool: string, args: readonly string[]): Pick<Client, 'program' | 'command'> {
  const described = describeProgram(tool, args)
  return { program: described, command: described }
}

function missing(tool: string): Refusal {
  return refusal(
    `no ${tool} is on PATH behind the shim`,
    errorCatalogue['program-missing'].cure,
    errorCatalogue['program-missing'].exitCode,
  )
}
