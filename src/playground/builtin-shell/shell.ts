import { programs } from './programs.ts'
import type { ProgramWorld } from './program.ts'
import { expand, parseScript } from './script.ts'
import type { Command } from './script.ts'

const shellNames = ['sh', 'bash', 'ash']
const commandNotFound = 127
const interrupted = 130
const longestLine = 64 * 1024

/**
 * Runs a command in a pod.
 * @returns its exit code: 127 where there is no such program, 130 after Ctrl-C.
 */
export async function runProgram(argv: readonly string[], world: ProgramWorld): Promise<number> {
  const [path = '', ...args] = argv
  const name = path.replace(/^(\/usr)?\/bin\//, '')
  if (shellNames.includes(name)) return runShell(args, world)
  const program = Object.hasOwn(programs, name) ? programs[name] : undefined
  if (program === undefined) {
    await world.writeError(`sh: ${path}: not found\n`)
    return commandNotFound
  }
  return world.foreground(async (signal) => {
    const read = (more?: AbortSignal): Promise<Buffer | undefined> =>
      world.read(more === undefined ? signal : AbortSignal.any([more, signal]))
    const code = await program(args, { ...world, signal, read })
    return signal.aborted ? interrupted : code
  })
}

interface ShellState {
  lastCode: number
  hasExited: boolean
}

async function runShell(args: readonly string[], world: ProgramWorld): Promise<number> {
  const state: ShellState = { lastCode: 0, hasExited: false }
  const index = args.findIndex((arg) => /^-[a-z]*c$/.test(arg))
  if (index !== -1) {
    await runScript(args[index + 1] ?? '', world, state)
    return state.lastCode
  }
  for await (const line of linesOf(world, state)) await runScript(line, world, state)
  return state.lastCode
}

/** Typed or piped lines, with a prompt before each where there is a terminal. */
async function* linesOf(world: ProgramWorld, state: ShellState): AsyncGenerator<string> {
  let pending = ''
  const prompt = async (): Promise<void> => {
    if (world.terminal !== undefined) await world.write(`${world.podName}:/$ `)
  }
  await prompt()
  for (let bytes = await world.read(); bytes !== undefined; bytes = await world.read()) {
    const lines = (pending + bytes.toString()).split('\n')
    pending = lines.pop()!.slice(0, longestLine)
    for (const line of lines) {
      yield line
      if (state.hasExited || world.signal.aborted) return
      await prompt()
    }
  }
  if (pending !== '') yield pending
}

async function runScript(script: string, world: ProgramWorld, state: ShellState): Promise<void> {
  let commands: Command[]
  try {
    commands = parseScript(script)
  } catch (error) {
    await world.writeError(`sh: ${(error as Error).message}\n`)
    state.lastCode = 2
    return
  }
  for (const command of commands) {
    if (state.hasExited || world.signal.aborted) return
    const succeeded = state.lastCode === 0
    const isDue = command.runsAfter === 'any' || (command.runsAfter === 'success') === succeeded
    if (isDue) await runCommand(command, world, state)
    if (state.lastCode === interrupted) return
  }
}

async function runCommand(command: Command, world: ProgramWorld, state: ShellState): Promise<void> {
  const valueOf = (name: string): string =>
    name === '?' ? String(state.lastCode) : (world.environment[name] ?? '')
  const argv = command.words.map((word) => expand(word, valueOf))
  if (argv[0] === 'exit') {
    state.hasExited = true
    state.lastCode = Number(argv[1] ?? state.lastCode) & 0xff
    return
  }
  state.lastCode = await runProgram(argv, command.toError ? { ...world, write: world.writeError } : world)
}
