import { describe, expect, it } from 'vitest'
import { pathOfDevice, statTerminal } from '../../../../src/platform/terminal/own-devpts.ts'

describe('the path of a terminal’s device number', () => {
  it.each<[string, number, string | undefined]>([
    ['the first', 0x8800, '/dev/pts/0'],
    ['the 18th', 0x8811, '/dev/pts/17'],
    ['past 255, as proc_pid_stat(5) packs it', 0x10_88_2c, '/dev/pts/300'],
    ['the largest, which is negative there', 0xfff0_88ff | 0, '/dev/pts/1048575'],
    ['none', 0, undefined],
    ['a console', 0x0401, undefined],
    ['a serial line', 0x0440, undefined],
    ['/dev/tty', 0x0500, undefined],
  ])('%s', (_name, device, path) => {
    expect(pathOfDevice(device)).toBe(path)
  })

  it('is none of ours unless the device there has that number', () => {
    expect(statTerminal('/dev/null', 0x8800)).toBeUndefined()
    expect(statTerminal('/dev/null', 0x0103)).toBeUndefined()
    expect(statTerminal('/dev/pts/1048575', 0xfff0_88ff | 0)).toBeUndefined()
  })
})
