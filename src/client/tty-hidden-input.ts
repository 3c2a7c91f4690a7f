import { flushTerminalInput, setTerminalSettings, terminalSettings } from '../platform/libc.ts'
import type { Terminal } from './tty-device.ts'
import { inForeground } from './tty-rules.ts'
import { isCanonical, withoutEcho } from './tty-settings.ts'

/**
 * A terminal while a secret is typed at it. Whoever changes its settings meanwhile (a full-screen program
 * that starts beside us) owns it from then on: they are never overwritten.
 */
export class HiddenInput {
  readonly #terminal: Terminal
  #before: Buffer | undefined
  #hidden: Buffer | undefined

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Echo off, typed-ahead keys thrown away. @returns false where the terminal is not ours to set. */
  begin(): boolean {
    if (!inForeground(this.#terminal)) return false
    const before = terminalSettings(this.#terminal.fd)
    if (!isCanonical(before)) return false
    this.#before = before
    setTerminalSettings(this.#terminal.fd, withoutEcho(before))
    this.#hidden = terminalSettings(this.#terminal.fd)
    flushTerminalInput(this.#terminal.fd)
    return true
  }

  /** Are we still in the foreground, and are the settings those that we made? */
  get undisturbed(): boolean {
    if (this.#hidden === undefined || !inForeground(this.#terminal)) return false
    return terminalSettings(this.#terminal.fd).equals(this.#hidden)
  }

  /** Throws away what is left over, and puts the settings back where they are still ours. Safe to repeat. */
  end(): void {
    if (this.#before === undefined) return
    try {
      const ours = this.undisturbed
      if (inForeground(this.#terminal)) flushTerminalInput(this.#terminal.fd)
      if (ours) setTerminalSettings(this.#terminal.fd, this.#before)
    } catch {
      // The terminal is gone: there is nothing to put back.
    }
    this.#before = undefined
    this.#hidden = undefined
  }
}
