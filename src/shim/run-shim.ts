import { readlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { errorCatalogue, GuardError } from '../domain/errors.ts'
import { encodeRequest, FrameError } from '../protocol/frame.ts'
import { limits } from '../protocol/limits.ts'
import type { RequestOf } from '../protocol/messages.ts'
import { askGate, stillLocked, unreadable } from './ask.ts'
import { becomeProgram } from './become.ts'
import { mayAsk, mayWait, runUnlock, standardTerminals } from './child.ts'
import { variable } from './inherited.ts'
import type { Inherited } from './inherited.ts'
import { Ended, say } from './say.ts'

/**
 * Asks the gate for this command, and becomes the program that the gate names: as native/shim.c.
 * @throws Ended, GuardError
 */
export async function runShim(inherited: Inherited): Promise<never> {
  for (let asked = false; ; asked = true) {
    const request = question(inherited, asked)
    assertFits(request)
    const answer = await askGate(request, (text) => say(text, false))
    if (answer.verdict === 'allow') throw become(answer.reply.program, inherited)
    if (asked) throw stillLocked()
    const code = await runUnlock(answer.policy, 'ours')
    if (code !== 0) throw new Ended(code)
  }
}

function question(inherited: Inherited, asked: boolean): RequestOf<'gate.check'> {
  const isSet = (name: string): boolean => (variable(inherited, name)?.length ?? 0) > 0
  return {
    argv: [...inherited.argv],
    // A removed folder is named "… (deleted)": absolute, and nothing is found below it.
    cwd: readlinkSync('/proc/self/cwd', 'buffer'),
    path: variable(inherited, 'PATH'),
    home: variable(inherited, 'HOME'),
    kubeconfig: variable(inherited, 'KUBECONFIG'),
    kuberc: variable(inherited, 'KUBERC'),
    inCluster: isSet('KUBERNETES_SERVICE_HOST') && isSet('KUBERNETES_SERVICE_PORT'),
    ttys: standardTerminals(),
    mayAsk: mayAsk(inherited),
    asked,
    mayWait: mayWait(inherited),
    waits: false,
  }
}

/** Fields beside the arguments, generously. */
const otherFields = 16

/** @throws GuardError `usage` for a command line that no frame can hold. */
function assertFits(request: RequestOf<'gate.check'>): void {
  try {
    if (request.argv.length > limits.fieldsPerMessage - otherFields)
      throw new FrameError('too many arguments')
    encodeRequest('gate.check', request)
  } catch (cause) {
    const cure = 'pass less at once, such as with xargs'
    throw new GuardError('usage', 'the command line is too long for kubeguard', { cure, cause })
  }
}

/** Comes back only when the program can’t be run. */
function become(program: Buffer | undefined, inherited: Inherited): Error {
  if (program === undefined || program[0] !== '/'.charCodeAt(0) || program.includes(0)) return unreadable()
  const failure = becomeProgram(program, inherited)
  if (failure === constants.errno.E2BIG) {
    return new Ended(126, 'the command line and the environment are too long together\nshorten them')
  }
  const cure = errorCatalogue['program-missing'].cure
  return new Ended(
    failure === constants.errno.ENOENT ? 127 : 126,
    `${program.toString()} can’t be run\n${cure}`,
  )
}
