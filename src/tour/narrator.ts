import { createInterface } from 'node:readline/promises'
import pc from 'picocolors'
import type { Result } from './stage.ts'

/** Tells the tour: commands and their output as a person would see them, and whether each promise held. */
export class Narrator {
  readonly interactive = process.stdin.isTTY && process.stdout.isTTY
  readonly #failures: string[] = []
  #checks = 0

  title(text: string): void {
    process.stdout.write(`\n${pc.bold(text)}\n`)
  }

  say(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  /** Shows a command and, where there is some, the first lines of what it printed. */
  show(command: string, result?: Result, lines = 6): void {
    process.stdout.write(`${pc.dim('$')} ${pc.cyan(command)}\n`)
    const printed = result?.output.trimEnd().split('\n') ?? []
    for (const line of printed.slice(0, lines)) process.stdout.write(`  ${line}\n`)
    if (printed.length > lines) process.stdout.write(pc.dim(`  … ${printed.length - lines} more lines\n`))
  }

  /** One promise of the tour. */
  check(promise: string, held: boolean, result?: Result): void {
    this.#checks += 1
    process.stdout.write(`  ${held ? pc.green('✓') : pc.red('✗')} ${promise}\n`)
    if (held) return
    this.#failures.push(promise)
    if (result !== undefined)
      process.stdout.write(`    exit ${result.code ?? result.signal}: ${result.output}\n`)
  }

  /** On a terminal: a breath between two steps. */
  async breathe(): Promise<void> {
    if (!this.interactive) return
    const prompt = createInterface({ input: process.stdin, output: process.stdout })
    await prompt.question(pc.dim('  press Enter to go on '))
    prompt.close()
  }

  /** @returns the exit code: 0 only if every promise held. */
  close(): number {
    const passed = this.#checks - this.#failures.length
    process.stdout.write(`\ntour: ${passed} of ${this.#checks} promises held\n`)
    return this.#failures.length === 0 ? 0 : 1
  }
}
