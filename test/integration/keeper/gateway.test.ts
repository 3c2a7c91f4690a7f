import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { ensureGatewayPlace } from '../../../src/platform/vault/gateway-identity.ts'
import type { GatewayPlace } from '../../../src/platform/vault/gateway-identity.ts'
import { sealPending } from '../../../src/platform/vault/seal-pending.ts'
import type { Keeper } from '../../../src/usecases/ports.ts'
import { isRunning } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { startTlsServer } from '../../fixtures/tls-server.ts'
import type { TlsServer } from '../../fixtures/tls-server.ts'
import { acceptFor, item, KeeperHome, openWith, passphrase } from './keeper-home.ts'
import { ask, giveTicket } from './talk.ts'
import type { Said } from './talk.ts'

/** An open session whose one credential is for an API server of this test, which holds each request. */
class Behind {
  readonly keeper: Keeper
  readonly server: TlsServer
  readonly place: GatewayPlace

  private constructor(keeper: Keeper, server: TlsServer, place: GatewayPlace) {
    this.keeper = keeper
    this.server = server
    this.place = place
  }

  static async open(): Promise<Behind> {
    const server = await startTlsServer()
    onTestFinished(() => server.close())
    server.server.on('request', (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.write('{"type":"ADDED"}\n')
    })
    const home = await KeeperHome.make({ empty: true })
    const upstreams = [{ slug: 'api', server: server.address, caPem: server.caPem }]
    await sealPending(home.vaultsDir, { ...item, upstreams })
    const place = await ensureGatewayPlace(home.vaultsDir, 'prod')
    const keeper = await home.start()
    keeper.onOpened(() => acceptFor(60_000))
    const said = await openWith(keeper, passphrase)
    if (!said.ok) throw new Error(`not opened: ${said.code}`)
    return new Behind(keeper, server, place)
  }

  issue(): Promise<Said<'keeper.issue'>> {
    return giveTicket(this.keeper, 'issue', item.id).then((ticket) =>
      ask(this.keeper.socket, 'keeper.issue', { ticket, apiVersion: 'v1' }),
    )
  }

  async watch(pass: string): Promise<IncomingMessage> {
    const begun = request(`https://127.0.0.1:${this.place.port}/api/pods?watch=true`, {
      ca: this.place.caPem,
      agent: false,
      headers: { authorization: `Bearer ${pass}` },
    })
    begun.end()
    const [response] = (await once(begun, 'response')) as [IncomingMessage]
    return response
  }
}

function tokenOf(said: Said<'keeper.issue'>): string {
  if (!said.ok) throw new Error(said.code)
  const document = said.reply.execCredential?.toString() ?? ''
  expect(document).not.toContain(item.token)
  return (JSON.parse(document) as { status: { token: string } }).status.token
}

/** Gateways that this test's keeper has started. */
function gatewaysOf({ pid }: Keeper): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(pid)
      } catch {
        return false
      }
    })
    .map(Number)
}

const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return text
}

test('a client is given a pass, never the credential; the gateway is gone when the end is done', async () => {
  const behind = await Behind.open()
  const { keeper } = behind
  const response = await behind.watch(tokenOf(await behind.issue()))
  expect(response.statusCode).toBe(200)
  const [gateway] = gatewaysOf(keeper) as [number]
  expect(isRunning(gateway)).toBe(true)
  const text = textOf(response)
  await keeper.end()
  expect(isRunning(gateway)).toBe(false)
  expect(await text).toContain('prod is locked')
})

test('a narrowed keeper has what is under way for others ended, and takes no pass of theirs', async () => {
  const behind = await Behind.open()
  const pass = tokenOf(await behind.issue())
  const response = await behind.watch(pass)
  const text = textOf(response)
  await behind.keeper.narrow([])
  expect(await text).toContain('"type":"ERROR"')
  expect((await behind.watch(pass)).statusCode).toBe(401)
  expect(await behind.issue()).toEqual({ ok: false, code: 'locked' })
})

test('what was adopted for the plugin does not leave where the policy has a gateway', async () => {
  const home = await KeeperHome.make()
  const keeper = await home.start({ access: 'gateway' })
  keeper.onOpened(() => acceptFor(60_000))
  expect((await openWith(keeper, passphrase)).ok).toBe(true)
  const ticket = await giveTicket(keeper, 'issue', item.id)
  const said = await ask(keeper.socket, 'keeper.issue', { ticket, apiVersion: 'v1' })
  expect(said).toEqual({ ok: false, code: 'gateway-needed' })
})

test('a gateway that is killed takes its keeper along', async () => {
  const { keeper } = await Behind.open()
  const [gateway] = gatewaysOf(keeper) as [number]
  let isGone = false
  keeper.onExit(() => (isGone = true))
  process.kill(gateway, 'SIGKILL')
  await until('its end', () => isGone)
})
