import './leave-streams-alone.ts'
import { keptName, readInherited } from './inherited.ts'
import type { Inherited } from './inherited.ts'
import { runCredentialPlugin } from './run-credential.ts'
import { runShim } from './run-shim.ts'
import { linesOf, say } from './say.ts'

/** The stand-in for the native binary where no compiler was there: slower, the same in all else. */
async function main(inherited: Inherited): Promise<number> {
  const isPlugin = inherited.tool === 'kubeguard-credential'
  try {
    if (isPlugin) await runCredentialPlugin(inherited)
    else await runShim(inherited)
    return 0
  } catch (error) {
    const { text, exitCode } = linesOf(error)
    await say(text, isPlugin)
    return exitCode
  }
}

async function start(): Promise<void> {
  const inherited = readInherited()
  // What `kubeguard unlock` and the daemon are started with is the shell's environment, without our own
  // notes.
  delete process.env[keptName]
  process.exitCode = await main(inherited)
}

void start()
