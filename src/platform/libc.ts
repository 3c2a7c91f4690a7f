import { createRequire } from 'node:module'
import { join } from 'node:path'
import { getSystemErrorName } from 'node:util'
import type { LibraryHandle } from 'koffi'

/**
 * The few calls of the C library that Node does not offer. koffi takes milliseconds to load, so it is
 * loaded with the first call, and each function is looked up with its own first call.
 */

/** A C function that answered -1: `code` is the errno's name. */
class LibcError extends Error {
  override readonly name = 'LibcError'
  readonly code: string

  constructor(call: string, errno: number) {
    const code = getSystemErrorName(-errno)
    super(`${call}: ${code}`)
    this.code = code
  }
}

type Call = (...args: (number | bigint | Buffer | null)[]) => number

type Koffi = typeof import('koffi')

let loaded: { koffi: Koffi; library: LibraryHandle } | undefined
const calls = new Map<string, Call>()

function libc(): NonNullable<typeof loaded> {
  if (loaded !== undefined) return loaded
  // Bundles keep koffi outside; a require made from here finds it from sources and from dist/ alike.
  // `indirect` looks for the one library of this machine, and parses no list of all machines.
  const koffi = createRequire(join(import.meta.dirname, 'libc.ts'))('koffi/indirect') as Koffi
  loaded = { koffi, library: koffi.load(null) }
  return loaded
}

/** A function of the C library by its prototype, as koffi has it. */
export function call(prototype: string): Call {
  const known = calls.get(prototype)
  if (known !== undefined) return known
  const found = libc().library.func(prototype) as Call
  calls.set(prototype, found)
  return found
}

/** @returns what a C function answered. @throws LibcError where that is -1 */
export function checked(name: string, result: number): number {
  if (result === -1) throw new LibcError(name, libc().koffi.errno())
  return result
}

/** Options of prctl(2) that we use. */
export const prctlOption = { getDumpable: 3, setDumpable: 4, setNoNewPrivs: 38, setPdeathsig: 1 } as const

/** prctl(2) with one argument; the others are 0, as the kernel asks for. @throws LibcError */
export function prctl(option: number, argument = 0): number {
  const prototype = 'int prctl(int option, ulong a, ulong b, ulong c, ulong d)'
  return checked('prctl', call(prototype)(option, argument, 0, 0, 0))
}

/** Resources of setrlimit(2): <asm-generic/resource.h>. */
export const resource = { core: 4, nofile: 7, memlock: 8 } as const

export interface ResourceLimit {
  readonly soft: bigint
  readonly hard: bigint
}

/** @throws LibcError */
export function setrlimit(which: number, limit: ResourceLimit): void {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(limit.soft, 0)
  bytes.writeBigUInt64LE(limit.hard, 8)
  checked('setrlimit', call('int setrlimit(int resource, void *limit)')(which, bytes))
}

/** @throws LibcError */
export function getrlimit(which: number): ResourceLimit {
  const bytes = Buffer.alloc(16)
  checked('getrlimit', call('int getrlimit(int resource, void *limit)')(which, bytes))
  return { soft: bytes.readBigUInt64LE(0), hard: bytes.readBigUInt64LE(8) }
}

const lockExclusive = 2
const lockNonBlocking = 4

/** flock(2), exclusive, without waiting. @returns false when another holds it. @throws LibcError */
export function tryLock(fd: number): boolean {
  try {
    checked('flock', call('int flock(int fd, int operation)')(fd, lockExclusive | lockNonBlocking))
    return true
  } catch (error) {
    if (error instanceof LibcError && (error.code === 'EAGAIN' || error.code === 'EWOULDBLOCK')) return false
    throw error
  }
}

export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

const solSocket = 1
const soPeercred = 17

/**
 * SO_PEERCRED (unix(7)): who connected, as of connect(2). A pid of 0 is a peer in a pid namespace that
 * we can't see. @throws LibcError
 */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = Buffer.alloc(12)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(ucred.length)
  const prototype = 'int getsockopt(int fd, int level, int option, void *value, void *length)'
  checked('getsockopt', call(prototype)(fd, solSocket, soPeercred, ucred, length))
  return { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) }
}

const clockBoottime = 7
const timespec = Buffer.alloc(16)

/** CLOCK_BOOTTIME in ms: it counts the time the machine slept (clock_gettime(2)). @throws LibcError */
export function bootTimeMs(): number {
  checked('clock_gettime', call('int clock_gettime(int clock, void *time)')(clockBoottime, timespec))
  return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6
}

/** Process group of this process. */
export function processGroup(): number {
  return call('int getpgrp()')()
}

/** Foreground process group of a terminal. @throws LibcError with code ENOTTY where there is none. */
export function foregroundGroup(fd: number): number {
  return checked('tcgetpgrp', call('int tcgetpgrp(int fd)')(fd))
}

/** struct termios of Linux' C libraries (<bits/termios-struct.h>, musl's <bits/termios.h>): 60 bytes. */
const termiosBytes = 60

/** tcgetattr(3): the whole structure, to be compared and given back. @throws LibcError */
export function terminalSettings(fd: number): Buffer {
  const termios = Buffer.alloc(termiosBytes)
  checked('tcgetattr', call('int tcgetattr(int fd, void *termios)')(fd, termios))
  return termios
}

/**
 * tcsetattr(3), at once: waiting for output would hang on a terminal that was stopped with Ctrl-S.
 * @throws LibcError with code EINTR from the background where SIGTTOU is handled.
 */
export function setTerminalSettings(fd: number, termios: Buffer): void {
  checked('tcsetattr', call('int tcsetattr(int fd, int when, void *termios)')(fd, 0, termios))
}

/** tcflush(3): throws away what was typed and not read yet. @throws LibcError */
export function flushTerminalInput(fd: number): void {
  checked('tcflush', call('int tcflush(int fd, int queue)')(fd, 0))
}

const setDescriptorFlags = 2

/**
 * Lets a descriptor live on over execve(2): Node closes all but 0, 1 and 2 there (fcntl(2)).
 * @returns false where it is not open.
 */
export function keepOverExec(fd: number): boolean {
  return call('int fcntl(int fd, int command, long flags)')(fd, setDescriptorFlags, 0) !== -1
}

/** Calls that older C libraries have no function for; their numbers are the same on every architecture of ours. */
const syscallNumber = { pidfdSendSignal: 424, pidfdOpen: 434 } as const
const syscallPrototype = 'long syscall(long number, long a, long b, void *c, long d)'

/** pidfd_open(2). @returns -1 where the kernel has none, or the process is gone. */
export function pidfdOpen(pid: number): number {
  return call(syscallPrototype)(syscallNumber.pidfdOpen, pid, 0, null, 0)
}

/** pidfd_send_signal(2). @returns the errno's name, or undefined when it was sent. */
export function pidfdSignal(fd: number, signal: number): string | undefined {
  const sent = call(syscallPrototype)(syscallNumber.pidfdSendSignal, fd, signal, null, 0)
  return sent === -1 ? getSystemErrorName(-libc().koffi.errno()) : undefined
}
