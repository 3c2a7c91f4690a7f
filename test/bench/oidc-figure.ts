import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listenFor } from '../../src/factors/oidc/client/redirect.ts'
import { logIn } from '../../src/factors/oidc/keeper/log-in.ts'
import { findProvider } from '../../src/factors/oidc/keeper/provider.ts'
import { readQuestion, write } from '../../src/factors/oidc/settings/dialogue.ts'
import { Browser } from '../fixtures/browser.ts'
import { clientId } from '../fixtures/identity-provider.ts'
import { makeOidcHome } from '../fixtures/oidc-home.ts'
import type { OidcHome } from '../fixtures/oidc-home.ts'
import { personIn } from '../fixtures/person.ts'
import type { Person } from '../fixtures/person.ts'
import { repository, until } from '../fixtures/terminal.ts'
import type { Figure } from './figure.ts'
import { compare } from './measure.ts'

/** An unlock by a log-in, less what the same log-in takes by itself: the provider and the person are the same in both. */
export async function oidcFigure(): Promise<Figure> {
  const undo: (() => Promise<void>)[] = []
  try {
    const place = await makeOidcHome((one) => undo.push(one))
    const asked = join(place.home.home, 'asked')
    using shell = await personIn(place.home, { BROWSER: noteFor(place, asked) })
    const { a, b, rounds } = await compare(
      () => unlock(place, shell, asked),
      () => logInAlone(place),
      { rounds: 10 },
    )
    return {
      name: 'unlock by a log-in (oidc), beside the log-in itself',
      value: a - b,
      unit: 'ms',
      baseline: { name: 'the same log-in alone', value: b, unit: 'ms' },
      target: 300,
      better: 'at most',
      rounds,
    }
  } finally {
    for (const one of undo.toReversed()) await one()
  }
}

/** A browser that only says where it was sent: this process goes there itself, in both cases. */
function noteFor({ home }: OidcHome, asked: string): string {
  const file = join(home.home, 'note')
  writeFileSync(file, `#!/bin/sh\necho "$1" >${asked}.new && mv ${asked}.new ${asked}\n`, { mode: 0o755 })
  return file
}

async function unlock({ home, provider }: OidcHome, shell: Person, asked: string): Promise<number> {
  await home.lock()
  spawnSync('rm', ['-f', asked])
  const startedAt = performance.now()
  const done = shell.enter(`${join(repository, 'bin', 'kubeguard')} unlock corp`, 60_000)
  const address = await until('the browser', () => read(asked))
  await new Browser(provider.caPem).logIn(address, 'alice')
  const { code } = await done
  if (code !== 0) throw new Error('not unlocked')
  return performance.now() - startedAt
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

async function logInAlone({ provider, redirect, home }: OidcHome): Promise<void> {
  const ca = provider.caFile(home)
  const settings = {
    factor: 'oidc',
    issuer: provider.issuer,
    clientId,
    scopes: [],
    redirect: [redirect],
    ca,
    withinMs: 60_000,
  } as const
  const found = await findProvider(settings)
  const back = await listenFor([redirect])
  try {
    await logIn(found, settings, {
      gone: new AbortController().signal,
      ask: async (bytes) => {
        const question = readQuestion(bytes)
        if (question.ask !== 'browser') return write({ way: 'browser', redirect: back.address })
        const came = back.await(question.address, 60_000)
        await new Browser(provider.caPem).logIn(back.start, 'alice')
        return write({ came: await came })
      },
    })
  } finally {
    back.close()
  }
}
