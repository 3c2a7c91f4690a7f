import { spawn } from 'node:child_process'
import { GuardError } from '../../domain/errors.ts'

/** The longest list that is read: some thousand small objects. */
const mostBytes = 64 * 1024 * 1024

/**
 * The kubectl that the person would type, with context, credential and all rules that go with it: so what is changed in a
 * cluster is changed as theirs, and while that session is open.
 *
 * @param input for its standard input, or else ours
 * @returns its exit code, and what it printed where `reads` is set
 * @throws GuardError program-missing
 */
export async function runKubectl(
  args: readonly string[],
  { input, reads = false }: { input?: string; reads?: boolean } = {},
): Promise<{ code: number; stdout: string }> {
  const child = spawn('kubectl', [...args], {
    stdio: [input === undefined ? 'inherit' : 'pipe', reads ? 'pipe' : 'inherit', 'inherit'],
  })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
    if (stdout.length > mostBytes) child.kill()
  })
  child.stdin?.on('error', () => {})
  child.stdin?.end(input)
  child.on('error', () => reject(new GuardError('program-missing', 'there is no kubectl')))
  child.on('close', (code) => resolve(code ?? 1))
  return { code: await promise, stdout }
}

export const inContext = (context: string | undefined): string[] =>
  context === undefined ? [] : [`--context=${context}`]
