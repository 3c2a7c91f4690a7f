import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Log, StatusFile } from '../usecases/ports.ts'
import { bootTimeMs } from './libc.ts'

/**
 * The file that shells read: 0600 in a folder of ours, replaced whole. It is not synced: after a power cut there
 * is no daemon whose words it could be.
 */
export function createStatusFile(path: string, log: Log): StatusFile & { flush(): void } {
  let waiting: { render: () => string; written: () => void } | undefined
  let before = ''
  const flush = (): void => {
    if (waiting === undefined) return
    const { render, written } = waiting
    waiting = undefined
    try {
      const text = render()
      if (text !== before) replace(path, text)
      before = text
    } catch (error) {
      log.error('the status file could not be written', { error: String(error) })
    }
    written()
  }
  return {
    uptimeMs,
    post(render, written) {
      if (waiting === undefined) setImmediate(flush)
      waiting = { render, written }
    },
    flush,
  }
}

function replace(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** As a shell reads it: in a container /proc/uptime may count from another moment than the boot clock. */
function uptimeMs(): number {
  const [seconds] = readFileSync('/proc/uptime', 'latin1').split(' ')
  const uptime = Number(seconds) * 1000
  return Number.isFinite(uptime) ? uptime : bootTimeMs()
}
