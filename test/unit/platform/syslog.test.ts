import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSyslog } from '../../../src/platform/syslog.ts'
import { listenAt } from '../../fixtures/datagram-ear.ts'
import { scratch } from './scratch.ts'

test('a real socket is given one line in the form of syslog(3), clean and bounded', async () => {
  const address = join(scratch(), 'log')
  const heard = await listenAt(address)
  const { warn } = createSyslog({ KUBEGUARD_SYSLOG: address })
  expect(warn('misuse\n<34>forged \x1b[2Jline')).toBe(true)
  expect(warn('x'.repeat(5_000))).toBe(true)
  await expect.poll(heard, { timeout: 30_000 }).toHaveLength(2)
  const [first = '', second = ''] = heard()
  // <sys/syslog.h>: LOG_AUTHPRIV is 10 << 3, LOG_WARNING 4; the time as RFC 3164, 4.1.2 has it.
  expect(first).toMatch(/^<84>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d kubeguard\[\d+\]: misuse /)
  expect(first).toMatch(/^[^\p{Cc}]*$/u)
  expect(second.length).toBeLessThan(1_024)
})

test('a socket that is not there, or that nobody reads, holds nothing up', async () => {
  const folder = scratch()
  expect(createSyslog({ KUBEGUARD_SYSLOG: join(folder, 'missing') }).warn('misuse')).toBe(false)
  await listenAt(join(folder, 'deaf'), 'deaf')
  expect(createSyslog({ KUBEGUARD_SYSLOG: join(folder, 'deaf') }).warn('misuse')).toBe(false)
})
