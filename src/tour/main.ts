import { spawn } from 'node:child_process'
import { Narrator } from './narrator.ts'
import { passphrase, Stage } from './stage.ts'
import { goIdle, goOn, openStreams, setUp, showKubeconfig, tryTheWall, work } from './steps.ts'

const steps = [showKubeconfig, setUp, work, openStreams, goIdle, tryTheWall, goOn]

/**
 * `npm start`: the main job before your eyes, in a throw-away home. On a terminal a shell to try things
 * in follows; without one each step is only checked. @returns the exit code: 0 only if each step held.
 */
async function main(): Promise<number> {
  const stage = new Stage()
  const narrator = new Narrator()
  const stop = (): void => void stage.close().then(() => process.exit(130))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    const tour = { stage, narrator, secrets: [], streams: [] }
    for (const step of steps) await step(tour)
    if (narrator.interactive) await openShell(stage, narrator)
    return narrator.close()
  } finally {
    await stage.close()
  }
}

function openShell(stage: Stage, narrator: Narrator): Promise<void> {
  narrator.title('8  Your turn')
  narrator.say(`  A shell in this throw-away home; the passphrase is: ${passphrase}`)
  narrator.say('  Try: kubectl get pods, kubeguard status, kubeguard lock, kubeguard log. Leave with: exit')
  const shell = spawn(stage.env['SHELL'] ?? '/bin/sh', [], {
    env: stage.env,
    cwd: stage.home,
    stdio: 'inherit',
  })
  return new Promise((resolve) => {
    shell.on('error', () => resolve())
    shell.on('close', () => resolve())
  })
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(
      `kubeguard: the tour stopped: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    process.exit(1)
  },
)
