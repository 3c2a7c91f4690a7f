import { closeSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'

/**
 * Node puts the terminal's settings back at its end as they were at its start, whoever changed them since
 * (ResetStdio() in src/node.cc): a pager or picker beside us in a pipeline would lose its raw mode. It
 * passes over descriptors that have become another file; a free number is filled lowest first (open(2)).
 */
export function leaveTerminalAlone(): void {
  process.on('exit', () => {
    for (const fd of [0, 1, 2]) {
      if (!isatty(fd)) continue
      closeSync(fd)
      openSync('/dev/null', 'r+')
    }
  })
}
