import { dangerousVariables } from '../hardening/environment.ts'
import { nodePath } from '../platform/install.ts'
import { keepOverExec } from '../platform/libc.ts'

const neededFlag = '--disable-sigusr1'

/**
 * Before a passphrase is read: closes this process to debuggers, memory readers and core dumps. Started in
 * another way than by our launcher, it first becomes (execve(2)) what the launcher would have started.
 * @param passphraseFd the descriptor that feeds the passphrase, if one does.
 * @throws GuardError `internal` where the process can't be closed.
 */
export async function hardenBeforeSecrets(passphraseFd?: number): Promise<void> {
  const foreign = new Set(dangerousVariables(process.env))
  if (foreign.size > 0 || process.execArgv.length !== 1 || process.execArgv[0] !== neededFlag) {
    // One that is not open is found out, and said, where it is read.
    if (passphraseFd !== undefined) keepOverExec(passphraseFd)
    const script = process.argv[1] ?? ''
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.has(name)))
    process.execve?.(nodePath(), [nodePath(), neededFlag, script, ...process.argv.slice(2)], environment)
  }
  const { hardenProcess } = await import('../hardening/harden-process.ts')
  hardenProcess()
}
