import { Socket } from 'node:net'
import { GuardError } from '../domain/errors.ts'
import { hardenProcess } from '../hardening/harden-process.ts'
import { dirs, places } from '../platform/dirs.ts'
import { readHello, writeHello } from '../platform/keepers/hello.ts'
import { removeSocket } from '../platform/keepers/open-name.ts'
import type { KeeperOrder } from '../usecases/ports.ts'
import { Keeper } from './keeper.ts'
import { parseOrder } from './order.ts'
import { serve } from './serve.ts'
import type { Answer, Service } from './serve.ts'

/** The daemon's end of the socket pair. */
const lineFd = 3

/** The longest that answers on their way may hold up the end. */
const partingMs = 1_000

/**
 * The process that holds one unlocked session's secrets in memory. It needs no clean-up of its own:
 * ending it is the lock.
 */
async function main(): Promise<void> {
  hardenProcess()
  process.umask(0o077)
  const found = dirs()
  const line = new Socket({ fd: lineFd, readable: true, writable: true })
  const order = parseOrder(await readHello(line))

  // Nothing is said before the greeting below, so no client can come before there is a keeper.
  let answer: Answer = () => Promise.reject(new Error('too early'))
  const service = await serve(places.keepers(found), (call) => answer(call))
  const exit = exitFor(service, order)
  const leave = (): void => void setImmediate(() => void partFrom(service, exit))
  const keeper = new Keeper({ order, vaultsDir: places.vaults(found), line, leave, exit })
  answer = (call) => keeper.answer(call)

  writeHello(line, { socket: service.path })
  line.resume()
}

function exitFor({ path }: Service, { policies }: KeeperOrder): () => never {
  return () => {
    removeSocket(path, policies[0])
    process.exit(0)
  }
}

async function partFrom(service: Service, exit: () => never): Promise<void> {
  setTimeout(exit, partingMs)
  await service.stop()
  exit()
}

/** What goes wrong unforeseen is told by its kind and place alone: its text might quote a secret. */
function fail(error: unknown): never {
  const { name, code, stack } = error as NodeJS.ErrnoException
  if (error instanceof GuardError) process.stderr.write(`keeper: ${error.message}\n`)
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  process.stderr.write(`keeper: ${name} ${code ?? ''}\n${frames.join('\n')}\n`)
  process.exit(1)
}

process.on('uncaughtException', fail)
void main().catch(fail)
