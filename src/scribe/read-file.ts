import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

const mostBytes = 32 * 1024 * 1024
const mostSmallBytes = 1024 * 1024

/** @returns undefined for what is no readable, regular file of at most 32 MiB */
export function readBytes(path: string, most: number = mostBytes): Buffer | undefined {
  let descriptor: number | undefined
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const facts = fstatSync(descriptor)
    return facts.isFile() && facts.size <= most ? readFileSync(descriptor) : undefined
  } catch {
    return undefined
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** @returns undefined for what is no readable, regular file of at most 1 MiB */
export function readSmallFile(path: string): string | undefined {
  return readBytes(path, mostSmallBytes)?.toString()
}
