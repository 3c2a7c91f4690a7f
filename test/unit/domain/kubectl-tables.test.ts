import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { globalFlags, nameOfLetter, shapeOf } from '../../../src/domain/kubectl-flags.ts'
import { knownVerbs, ruleOf } from '../../../src/domain/kubectl-verbs.ts'

/** The tables against the kubectl that is installed, by what its own help says. */
const home = mkdtempSync(join(tmpdir(), 'kubeguard-tables-'))
afterAll(() => rmSync(home, { recursive: true }))

const run = promisify(execFile)
const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: '/dev/null' }

/** stdout of kubectl, whatever its exit code; its stderr where it failed. */
async function kubectl(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  try {
    return await run('kubectl', args, { env, timeout: 20_000 })
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: unknown }
    if (typeof code !== 'number') throw error
    return { stdout, stderr }
  }
}

interface HelpFlag {
  readonly verb: string
  readonly name: string
  readonly letter: string | undefined
  readonly isSwitch: boolean
}

/** Values are optional for these: `--dry-run` alone is a switch (pflag's NoOptDefVal), which no help tells. */
const optionalValues = new Set(['dry-run', 'cascade', 'validate'])

function flagsIn(verb: string, help: string): HelpFlag[] {
  return [...help.matchAll(/^ {4}(?:-(\w), )?--([\w-]+)=(.*):$/gm)].map(
    ([, letter, name = '', value = '']) => ({
      verb,
      name,
      letter,
      isSwitch: value === 'true' || value === 'false' || optionalValues.has(name),
    }),
  )
}

/** Commands that a help page lists under headings such as `Available Commands:`. */
function commandsIn(help: string): string[] {
  const blocks = help.matchAll(/^[A-Z][^\n]*Commands[^\n]*:\n((?: {2}[a-z][^\n]*\n?)+)/gm)
  return [...blocks].flatMap(([, block = '']) =>
    [...block.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name]) => name as string),
  )
}

const helpPages = new Map<string, string>()

/** Walks all of kubectl's commands, a few at a time. */
async function readHelp(verbs: readonly string[]): Promise<void> {
  const pending = [...verbs]
  const walk = async (): Promise<void> => {
    for (let verb = pending.shift(); verb !== undefined; verb = pending.shift()) {
      const { stdout } = await kubectl(...verb.split(' '), '--help')
      helpPages.set(verb, stdout)
      for (const child of commandsIn(stdout)) pending.push(`${verb} ${child}`)
    }
  }
  await Promise.all([walk(), walk(), walk()])
}

beforeAll(async () => {
  const top = [...new Set(commandsIn((await kubectl('--help')).stdout))]
  expect(top.length).toBeGreaterThan(35)
  await readHelp(top)
}, 60_000)

describe('the tables know', () => {
  it('every command', () => {
    const listed = [...helpPages.keys()].filter(
      (verb) => !/^(config|plugin|kuberc|alpha kuberc|completion) /.test(verb),
    )
    expect(listed.filter((verb) => ruleOf(verb) === undefined)).toEqual([])
  })

  it('every flag of every command, and whether it takes a value', () => {
    const flags = [...helpPages].flatMap(([verb, help]) => flagsIn(verb, help))
    expect(flags.length).toBeGreaterThan(500)
    const wrong = flags.filter(
      ({ verb, name, isSwitch }) => shapeOf(verb, name) !== (isSwitch ? 'switch' : 'value'),
    )
    expect(wrong).toEqual([])
    const misnamed = flags.filter(
      ({ verb, name, letter }) => letter !== undefined && nameOfLetter(verb, letter) !== name,
    )
    expect(misnamed).toEqual([])
  })

  it('every global flag, and no other', async () => {
    const flags = flagsIn('', (await kubectl('options')).stdout)
    expect(flags.length).toBeGreaterThan(20)
    for (const { name, letter, isSwitch } of flags) {
      expect(isSwitch ? globalFlags.switches : globalFlags.values).toContain(name)
      if (letter !== undefined) expect(globalFlags.letters[letter]).toBe(name)
    }
    // Flags of newer versions than the installed one.
    const newer = ['as-user-extra', 'kuberc']
    const known = [...globalFlags.values, ...globalFlags.switches].filter((name) => !newer.includes(name))
    expect(known.filter((name) => !flags.some((flag) => flag.name === name))).toEqual([])
  })

  it('which flags really take the next argument', async () => {
    // Where a value is missing at the end kubectl says so, and otherwise prints its help.
    const asked = [
      'get --watch',
      'get --output',
      'apply --dry-run',
      'delete --cascade',
      'apply --validate',
      'logs --follow',
      'exec --stdin',
      'proxy -w',
      'get -w',
      'logs -f',
      'apply -f',
      'get -n',
    ]
    const answers = await Promise.all(
      asked.map(async (line) => {
        const [verb = '', flag = ''] = line.split(' ')
        const { stderr } = await kubectl(verb, '--help', flag)
        const name = flag.startsWith('--') ? flag.slice(2) : nameOfLetter(verb, flag.slice(1))
        return { line, wants: /needs an argument/.test(stderr), table: shapeOf(verb, name ?? '') === 'value' }
      }),
    )
    for (const { line, wants, table } of answers) expect({ line, wants: table }).toEqual({ line, wants })
  })

  it('other names of commands', async () => {
    const other = [...knownVerbs].filter(
      (verb) => !helpPages.has(verb) && !/^(kuberc|alpha|help|options|plugin)/.test(verb),
    )
    const pages = await Promise.all(
      other.map(async (verb) => ({ verb, ...(await kubectl(...verb.split(' '), '--help')) })),
    )
    for (const { verb, stdout, stderr } of pages) {
      expect({ verb, stderr }).toEqual({ verb, stderr: '' })
      if (!verb.includes('svc '))
        expect(stdout).toMatch(new RegExp(`Aliases:\\n.*\\b${verb.split(' ').at(-1)}\\b`))
    }
  })
})
