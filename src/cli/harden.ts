import { nodePath } from '../platform/install.ts'
import { keepOverExec } from '../platform/libc.ts'

/** What Node or the loader would take from the environment; none of it is for us. */
const foreign = /^(NODE_|LD_|OPENSSL_|SSL_)/
const neededFlag = '--disable-sigusr1'

/**
 * Before a passphrase is read: closes this process to debuggers, memory readers and core dumps. Started in
 * another way than by our launcher, it first becomes (execve(2)) what the launcher would have started.
 * @param passphraseFd the descriptor that feeds the passphrase, if one does.
 * @throws GuardError `internal` where the process can't be closed.
 */
export async function hardenBeforeSecrets(passphraseFd?: number): Promise<void> {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
  const clean = Object.keys(environment).length === Object.keys(process.env).length
  if (!clean || process.execArgv.length !== 1 || process.execArgv[0] !== neededFlag) {
    // One that is not open is found out, and said, where it is read.
    if (passphraseFd !== undefined) keepOverExec(passphraseFd)
    const script = process.argv[1] ?? ''
    process.execve?.(nodePath(), [nodePath(), neededFlag, script, ...process.argv.slice(2)], environment)
  }
  const { hardenProcess } = await import('../hardening/harden-process.ts')
  hardenProcess()
}
