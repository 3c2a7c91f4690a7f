import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Writable } from 'node:stream'
import { GuardError } from '../domain/errors.ts'
import { bundlePath, launcherPath, nodePath } from '../platform/install.ts'
import { say, sayStep } from './output.ts'
import { shellOf, startUpFile } from './shell-hook.ts'

/** Guards nothing but the playground, so it may be shown. */
const shownPassphrase = 'let me try this'

/**
 * A throw-away home with a playground API in it, everything set up, and a shell to try it in. When the shell
 * ends, all of it is ended and removed.
 * @returns the shell's exit code.
 */
export async function runPlayground(): Promise<number> {
  const root = mkdtempSync(join(tmpdir(), 'kg-'))
  const environment = homeIn(root)
  let server: ChildProcess | undefined
  try {
    server = await startServer(environment)
    sayStep('a playground API serves on loopback')
    await kubeguard(['init', '--yes', '--passphrase-fd', '3'], environment)
    say('everything here is thrown away when you leave', `the passphrase is: ${shownPassphrase}`, ...hints)
    return await openShell(environment)
  } finally {
    await takeDown(root, environment, server)
  }
}

const hints = [
  'try: kubectl get pods   kubectl exec -it web-0 -- sh   kubeguard status   kubeguard lock',
  'leave with: exit',
]

function homeIn(root: string): NodeJS.ProcessEnv {
  const home = join(root, 'home')
  mkdirSync(join(home, '.kube'), { recursive: true, mode: 0o700 })
  const guardHome = join(root, 'guard')
  mkdirSync(guardHome, { mode: 0o700 })
  const { ZDOTDIR: _, XDG_CONFIG_HOME: __, KUBERC: ___, ...kept } = process.env
  const environment = {
    ...kept,
    HOME: home,
    KUBEGUARD_HOME: guardHome,
    KUBECONFIG: join(home, '.kube', 'config'),
    SHELL: process.env['SHELL'] ?? '/bin/sh',
    PATH: [join(guardHome, 'data', 'shims'), join(launcherPath('kubeguard'), '..'), process.env['PATH']].join(
      delimiter,
    ),
  }
  namePrompt(environment)
  return environment
}

/** The start-up file that `init` hooks: the shell shall show where one is. */
function namePrompt(environment: NodeJS.ProcessEnv): void {
  const shell = shellOf(environment)
  if (shell === undefined) return
  const path = startUpFile(shell, environment)
  mkdirSync(join(path, '..'), { recursive: true })
  const prompts = {
    bash: "PS1='playground \\w \\$ '",
    zsh: "PROMPT='playground %~ %# '",
    fish: "function fish_prompt; echo 'playground > '; end",
  }
  appendFileSync(path, `${prompts[shell]}\n`)
}

async function startServer(environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const args = [bundlePath('playground'), 'serve', '--kubeconfig', environment['KUBECONFIG'] ?? '']
  // A group of its own: Ctrl-C in the shell is not meant for it.
  const server = spawn(nodePath(), args, {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const lines = createInterface({ input: server.stdout })
  const ready = await Promise.race([
    once(lines, 'line').then(() => true),
    once(server, 'exit').then(() => false),
  ])
  if (!ready) throw new GuardError('internal', 'the playground API did not start')
  return server
}

/** Runs our own command line in the throw-away home. @throws GuardError when it fails. */
async function kubeguard(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(nodePath(), ['--disable-sigusr1', process.argv[1] ?? '', ...args], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  const feed = child.stdio[3] as Writable
  feed.on('error', () => {})
  feed.end(`${shownPassphrase}\n`)
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new GuardError('internal', `kubeguard ${args[0]} failed in the playground`)
}

async function openShell(environment: NodeJS.ProcessEnv): Promise<number> {
  // The shell has the terminal: what is typed there is not for us. A hang-up still ends us, after the shell.
  const ignore = (): void => {}
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ignore)
  const shell = spawn(environment['SHELL'] ?? '/bin/sh', [], {
    env: environment,
    cwd: environment['HOME'] ?? '/',
    stdio: 'inherit',
  })
  const onTerm = (): void => void shell.kill('SIGHUP')
  process.on('SIGTERM', onTerm)
  process.on('SIGHUP', onTerm)
  const [code] = (await once(shell, 'exit')) as [number | null]
  return code ?? 1
}

async function takeDown(
  root: string,
  environment: NodeJS.ProcessEnv,
  server: ChildProcess | undefined,
): Promise<void> {
  await kubeguard(['daemon', 'stop'], environment).catch(() => undefined)
  if (server !== undefined && server.exitCode === null && server.signalCode === null) {
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await ended
  }
  rmSync(root, { recursive: true, force: true })
  say('the playground is gone')
}
