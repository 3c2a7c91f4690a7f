import { GuardError } from '../domain/errors.ts'
import { prctl, prctlOption, resource, setrlimit } from '../platform/libc.ts'
import { dangerousVariables } from './environment.ts'

/** Without it SIGUSR1 opens Node's debugger on loopback, for every local user. */
const neededFlag = '--disable-sigusr1'

/** Flags that change nothing about who may look inside. */
const harmlessFlags = /^(--disable-sigusr1|--no-warnings|--no-memory-reducer|--max-[a-z-]+=\d+)$/

/**
 * The first thing that a process does which may hold a secret, before it reads anything: refuses to run
 * where it could be watched, then closes itself to the debugger, to ptrace, to /proc/PID/mem and to core
 * dumps.
 *
 * @throws GuardError internal when it was started in another way than our launchers do; LibcError
 */
export function hardenProcess(): void {
  refuse(dangerousVariables(process.env), 'the environment holds')
  refuse(
    process.execArgv.filter((flag) => !harmlessFlags.test(flag)),
    'the runtime was started with',
  )
  if (!process.execArgv.includes(neededFlag)) {
    throw new GuardError('internal', `the runtime was started without ${neededFlag}`)
  }
  sealProcess()
}

/**
 * Not dumpable (prctl(2), PR_SET_DUMPABLE): the same account can neither attach nor read its memory, and
 * the kernel writes no core. Lasts until the process executes another program.
 *
 * @throws LibcError
 */
export function sealProcess(): void {
  prctl(prctlOption.setDumpable, 0)
  setrlimit(resource.core, { soft: 0n, hard: 0n })
}

function refuse(found: readonly string[], where: string): void {
  if (found.length > 0) throw new GuardError('internal', `${where} ${found.join(', ')}: not safe for secrets`)
}
