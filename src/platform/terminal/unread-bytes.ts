import { closeSync, constants, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

type Ioctl = (fd: number, request: number, argumentType: string, argument: Buffer) => number

/** <asm-generic/ioctls.h>; the same on every architecture that we run on. */
const fionread = 0x541b

let ioctl: Ioctl | undefined

function loadIoctl(): Ioctl {
  if (ioctl !== undefined) return ioctl
  // koffi stays outside of bundles; a require made from here finds it from sources and from dist/ alike.
  const koffi = createRequire(join(import.meta.dirname, 'unread-bytes.ts'))(
    'koffi/indirect',
  ) as typeof import('koffi')
  ioctl = koffi.load(null).func('int ioctl(int fd, ulong request, ...)') as Ioctl
  return ioctl
}

/**
 * Typed bytes that nobody has read yet: FIONREAD (ioctl_tty(2)); on a line-editing terminal only whole
 * lines count. O_NOCTTY and O_NONBLOCK: it becomes nobody's terminal, and nothing waits.
 * @returns undefined where the terminal can't be opened, such as another user's.
 */
export function unreadBytes(path: string): number | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    const count = Buffer.alloc(4)
    return loadIoctl()(fd, fionread, 'void *', count) === 0 ? count.readInt32LE(0) : undefined
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
