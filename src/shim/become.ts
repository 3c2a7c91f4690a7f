import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { join } from 'node:path'
import { getrlimit, resource, setrlimit } from '../platform/libc.ts'
import type { Inherited } from './inherited.ts'

/**
 * Becoming another program with the very bytes, signals, limits and descriptors that we were started with.
 */

type Koffi = typeof import('koffi')

const koffi = createRequire(join(import.meta.dirname, 'become.ts'))('koffi/indirect') as Koffi
const libc = koffi.load(null)

/** Names of <bits/sigaction.h>, <fcntl.h>. */
const defaultAction = 0n
const ignoreAction = 1n
const setMask = 2
const setDescriptorFlags = 2
/** Room for glibc's sigset_t; the kernel's own is its first eight bytes. */
const signalSetBytes = 128
const lastSignal = 64
/** The two that the C library keeps for itself: its own call refuses them. */
const libcSignals = [32, 33]
/** asm/unistd.h */
const signalCalls: Readonly<Record<string, number>> = { x64: 13, arm64: 134 }
const kernelSignalSetBytes = 8

/** execve(2) with raw bytes. @returns errno's number: it comes back only when it failed. */
export function becomeProgram(program: Buffer, inherited: Inherited): number {
  restoreDescriptors(inherited.descriptors)
  restoreSignals(inherited.ignoredSignals, inherited.blockedSignals)
  restoreFileLimit(inherited.softFiles)
  const failure = execute(program, inherited.argv, inherited.environment)
  return failure === constants.errno.ENOEXEC ? runAsScript(program, inherited) : failure
}

/** A script without a first line `#!` is for the shell, as execvp(3) has it. */
function runAsScript(program: Buffer, inherited: Inherited): number {
  const shell = Buffer.from('/bin/sh')
  return execute(shell, [shell, program, ...inherited.argv.slice(1)], inherited.environment)
}

function execute(program: Buffer, argv: readonly Buffer[], environment: readonly Buffer[]): number {
  const execve = libc.func('int execve(void *program, void *argv, void *environment)')
  const args = pointersTo(argv)
  const variables = pointersTo(environment)
  execve(Buffer.concat([program, Buffer.alloc(1)]), args.pointers, variables.pointers)
  return koffi.errno()
}

/** One block of NUL-ended strings, and the addresses in it, ended by a null pointer. */
function pointersTo(strings: readonly Buffer[]): { block: Buffer; pointers: BigUint64Array } {
  const end = Buffer.alloc(1)
  const block = Buffer.concat([end, ...strings.flatMap((text) => [text, end])])
  const pointers = new BigUint64Array(strings.length + 1)
  let address = koffi.address(block) + 1n
  strings.forEach((text, index) => {
    pointers[index] = address
    address += BigInt(text.length + 1)
  })
  return { block, pointers }
}

/** Node marks what it inherits close-on-exec. */
function restoreDescriptors(descriptors: readonly number[]): void {
  const fcntl = libc.func('int fcntl(int fd, int command, long argument)')
  for (const fd of descriptors) fcntl(fd, setDescriptorFlags, 0)
}

/** Node ignores SIGPIPE and SIGXFSZ and resets all others; caught ones are reset by execve(2) itself. */
function restoreSignals(ignored: bigint, blocked: bigint): void {
  const signal = libc.func('intptr_t signal(int number, intptr_t action)')
  for (let number = 1; number <= lastSignal; number += 1) {
    const wasIgnored = (ignored >> BigInt(number - 1)) & 1n
    signal(number, wasIgnored === 1n ? ignoreAction : defaultAction)
  }
  restoreLibcSignals(ignored)
  const mask = Buffer.alloc(signalSetBytes)
  mask.writeBigUInt64LE(blocked, 0)
  libc.func('int sigprocmask(int how, void *set, void *old)')(setMask, mask, null)
}

function restoreLibcSignals(ignored: bigint): void {
  const number = signalCalls[process.arch]
  if (number === undefined) return
  const call = libc.func('long syscall(long number, long signal, void *action, void *old, long bytes)')
  for (const signal of libcSignals) {
    if (((ignored >> BigInt(signal - 1)) & 1n) === 0n) continue
    // The kernel's struct sigaction begins with the action; flags and mask are zero.
    const action = Buffer.alloc(64)
    action.writeBigUInt64LE(ignoreAction, 0)
    call(number, signal, action, null, kernelSignalSetBytes)
  }
}

/** Node raises the soft limit as far as it may. */
function restoreFileLimit(soft: bigint | undefined): void {
  if (soft !== undefined) setrlimit(resource.nofile, { soft, hard: getrlimit(resource.nofile).hard })
}
