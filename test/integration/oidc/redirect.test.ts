import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { listenFor } from '../../../src/factors/oidc/client/redirect.ts'
import type { Redirect } from '../../../src/factors/oidc/client/redirect.ts'
import { Browser } from '../../fixtures/browser.ts'
import { freePort } from '../../fixtures/oidc-home.ts'

const provider = 'https://id.example.com/auth?state=the-state&nonce=n'
const minuteMs = 60_000

async function listening(redirects: readonly string[]): Promise<Redirect> {
  const redirect = await listenFor(redirects)
  onTestFinished(() => redirect.close())
  return redirect
}

async function squat(host: string, port: number): Promise<Server> {
  const server = createServer().listen(port, host)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}

const here = async (): Promise<string> => `http://localhost:${await freePort()}`

/** Takes up the start, so that this browser has the cookie. */
async function setOut(redirect: Redirect): Promise<Browser> {
  const browser = new Browser('')
  const { status, location } = await browser.fetch(redirect.start)
  expect({ status, location }).toEqual({ status: 302, location: provider })
  return browser
}

test('the browser that set out is the one that comes back; the address says nothing of the log-in', async () => {
  const redirect = await listening([await here()])
  const came = redirect.await(provider, minuteMs)
  expect(redirect.start).not.toContain('state')
  const browser = await setOut(redirect)
  const page = await browser.fetch(`${redirect.address}/?code=c&state=the-state`)
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('you may close this window') })
  expect(page.text).not.toContain('the-state')
  expect(await came).toBe(`${redirect.address}/?code=c&state=the-state`)
})

test('without a port any will do, and the provider is told which', async () => {
  const redirect = await listening(['http://127.0.0.1'])
  expect(redirect.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
})

test('where another program has the port, or half of localhost, the next is taken; without one it is said', async () => {
  const [first, second] = [await here(), await here()]
  await squat('127.0.0.1', Number(new URL(first).port))
  expect((await listening([first, second])).address).toBe(second)
  await expect(listenFor([first])).rejects.toThrow(
    /another program listens where the browser is to come back to/,
  )
})

test('a program that squats on the IPv6 half alone does not get the code', async () => {
  const first = await here()
  const squatter = await squat('::1', Number(new URL(first).port)).catch(() => undefined)
  // A machine without IPv6 has no half to squat on.
  if (squatter === undefined) return expect((await listening([first])).address).toBe(first)
  await expect(listenFor([first])).rejects.toThrow(/another program listens/)
})

test('who has not set out, has another state, another path, or another name for us changes nothing', async () => {
  const redirect = await listening([await here()])
  const came = redirect.await(provider, minuteMs)
  const { port } = new URL(redirect.address)
  const stranger = new Browser('')
  expect((await stranger.fetch(`${redirect.address}/?code=evil&state=the-state`)).status).toBe(403)
  const browser = await setOut(redirect)
  expect((await browser.fetch(`${redirect.address}/?code=evil&state=another`)).status).toBe(403)
  expect((await browser.fetch(`${redirect.address}/elsewhere?code=evil&state=the-state`)).status).toBe(404)
  expect((await browser.fetch(`${redirect.address}/`)).status).toBe(404)
  expect((await browser.fetch(`http://127.0.0.1:${port}/?code=evil&state=the-state`)).status).toBe(404)
  expect((await browser.fetch(`${redirect.address}/`, { code: 'evil', state: 'the-state' })).status).toBe(404)
  await browser.fetch(`${redirect.address}/?code=c&state=the-state`)
  expect(await came).toContain('code=c&')
})

test('a start that is taken up twice ends the log-in: one of the two was somebody else', async () => {
  const redirect = await listening([await here()])
  const came = redirect.await(provider, minuteMs)
  await setOut(redirect)
  expect((await new Browser('').fetch(redirect.start)).status).toBe(403)
  await expect(came).rejects.toThrow(/begun twice/)
})

test('a browser that never comes back is not waited for for ever', async () => {
  const redirect = await listening([await here()])
  await expect(redirect.await(provider, 50)).rejects.toThrow('nobody logged in in time')
})
