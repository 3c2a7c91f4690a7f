import { expect, test } from 'vitest'
import { deviceName } from '../../../src/client/tty-device.ts'
import { parseStat } from '../../../src/client/tty-process.ts'
import { whyNotAskForClient, whyNotAskPerson } from '../../../src/client/tty-rules.ts'
import type { AskingFacts } from '../../../src/client/tty-rules.ts'

/** A person has just typed `kubectl get pods`. */
const good: AskingFacts = {
  prompt: undefined,
  foreground: true,
  canonical: true,
  input: { ageMs: 500, fresh: false },
  fullScreen: undefined,
}

test('where a person has just started a command it may ask', () => {
  expect(whyNotAskForClient(good)).toBeUndefined()
  expect(whyNotAskForClient({ ...good, input: { ageMs: 37_000, fresh: false } })).toBeUndefined()
  expect(whyNotAskForClient({ ...good, input: { ageMs: 3_000, fresh: true } })).toBeUndefined()
})

test.each<[string, Partial<AskingFacts>]>([
  ['forbidden', { prompt: 'never' }],
  ['in the background', { foreground: false }],
  ['beside a program that reads keys', { canonical: false }],
  ['in an editor', { fullScreen: 'vim' }],
  ['where nobody has typed lately', { input: { ageMs: 38_001, fresh: false } }],
  ['on a terminal that nobody ever typed at', { input: { ageMs: 10_001, fresh: true } }],
  ['where the last input lies in the future', { input: { ageMs: -1, fresh: false } }],
  ['where nothing is known of the terminal', { input: undefined }],
])('%s it may not', (_name, difference) => {
  expect(whyNotAskForClient({ ...good, ...difference })).toEqual(expect.any(String))
})

test('a person who types kubeguard unlock needs a terminal that is theirs, no more', () => {
  expect(whyNotAskPerson({ prompt: undefined, foreground: true, canonical: true })).toBeUndefined()
  expect(whyNotAskPerson({ prompt: 'never', foreground: true, canonical: true })).toContain(
    'KUBEGUARD_PROMPT',
  )
  expect(whyNotAskPerson({ prompt: undefined, foreground: false, canonical: true })).toContain('background')
})

test('a program’s name may hold anything', () => {
  const line = `4242 (a) b (c) S 10 20 30 34818 40 ${'0 '.repeat(13)}777 0`
  expect(parseStat(line)).toEqual({
    pid: 4242,
    state: 'S',
    ppid: 10,
    pgrp: 20,
    ttyDevice: 34818,
    startTicks: 777,
  })
})

test.each([
  [0x8802, '/dev/pts/2'],
  [0x8900, '/dev/pts/256'],
  [0x0401, '/dev/tty1'],
  [0x0440, '/dev/ttyS0'],
  [0, undefined],
])('device %i is %s', (device, name) => {
  expect(deviceName(device)).toBe(name)
})
