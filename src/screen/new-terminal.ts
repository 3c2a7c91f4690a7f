import { Unicode11Addon } from '@xterm/addon-unicode11'
import headless from '@xterm/headless'
import type { ITerminalInitOnlyOptions, ITerminalOptions, Terminal } from '@xterm/headless'

/**
 * A terminal without a window. Pictures are two cells wide, as every terminal of today has them
 * (Unicode Standard Annex 11); the library's own table is older.
 */
export function newTerminal(options: ITerminalOptions & ITerminalInitOnlyOptions): Terminal {
  const terminal = new headless.Terminal({ ...options, allowProposedApi: true })
  terminal.loadAddon(new Unicode11Addon())
  terminal.unicode.activeVersion = '11'
  return terminal
}
