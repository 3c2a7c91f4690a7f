/**
 * What counts as a human at a terminal. The kernel moves the access time of a terminal's device when a
 * reader gets typed bytes, to a whole second and in steps of 8 s (tty_update_time() in Linux'
 * drivers/tty/tty_io.c): not for output, not for reads that find nothing.
 */
export interface TerminalLook {
  readonly atimeNs: bigint
  readonly ctimeNs: bigint
  /** Typed bytes that nobody has read yet (FIONREAD); undefined where that can't be asked. */
  readonly unreadBytes: number | undefined
  /** Wall-clock time of the look, in ms. */
  readonly nowMs: number
}

/** What is remembered of a terminal between two looks. */
export interface TerminalMemory {
  readonly look: TerminalLook
  /** The access time is the kernel's doing, and so someone's typing. */
  readonly trusted: boolean
  /** When unread bytes were last seen to grow, in ms. */
  readonly typedMs: number | undefined
}

const nsPerMs = 1_000_000n
const nsPerSecond = 1_000_000_000n

/** Growth found after a longer time without a look is dated this long after the look before it. */
const longestUnseenMs = 10_000

/**
 * The first look at a terminal. Its access time is believed when it is later than the last change of
 * the device (its creation, or a `touch`, which always sets the change time), and whole seconds, or
 * the nanoseconds of the creation, which older kernels leave in place.
 */
export function firstLook(look: TerminalLook): TerminalMemory {
  return { look, trusted: isByKernel(look, look.ctimeNs), typedMs: undefined }
}

/**
 * A later look. An access time that moved while the change time did not was moved by the kernel; where
 * both moved, someone may have set it. One in the future is not believed, now or when that future has
 * come. Change times are as coarse as the kernel's tick, so the rest of the first look's rules stay.
 */
export function lookAgain(before: TerminalMemory, look: TerminalLook): TerminalMemory {
  const moved = look.atimeNs !== before.look.atimeNs
  const changed = look.ctimeNs !== before.look.ctimeNs
  const believed = moved ? !changed && isByKernel(look, before.look.atimeNs) : before.trusted
  const grown = (look.unreadBytes ?? 0) > (before.look.unreadBytes ?? Infinity)
  const typedMs = grown ? Math.min(look.nowMs, before.look.nowMs + longestUnseenMs) : before.typedMs
  return { look, trusted: believed && !isFuture(look.atimeNs, look), typedMs }
}

function isByKernel(look: TerminalLook, earlierNs: bigint): boolean {
  const { atimeNs, ctimeNs } = look
  const nanoseconds = atimeNs % nsPerSecond
  if (nanoseconds !== 0n && nanoseconds !== earlierNs % nsPerSecond) return false
  // After the clock was set back the change time may lie ahead for hours, and says nothing.
  return !isFuture(atimeNs, look) && (atimeNs > ctimeNs || isFuture(ctimeNs, look))
}

/** @returns the wall-clock ms of the latest input as of the last look, or undefined where nothing can be said. */
export function inputTime({ look, trusted, typedMs }: TerminalMemory): number | undefined {
  const times = [trusted ? Number(look.atimeNs / nsPerMs) : undefined, typedMs]
  const known = times.filter((timeMs) => timeMs !== undefined && timeMs <= look.nowMs) as number[]
  return known.length === 0 ? undefined : Math.max(...known)
}

const isFuture = (timeNs: bigint, { nowMs }: TerminalLook): boolean =>
  timeNs / nsPerMs > BigInt(Math.floor(nowMs))
