import type { Duplex } from 'node:stream'

/**
 * Before the first frame each side sends one JSON document, its length (4 bytes, big-endian) first: the
 * daemon its KeeperOrder, the keeper `{"socket": PATH}` once it listens there.
 */

const lengthBytes = 4
const mostBytes = 1024 * 1024

export function writeHello(stream: Duplex, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32BE(body.length)
  stream.write(Buffer.concat([length, body]))
}

/** Reads the other side's document and leaves what follows it in the stream. @throws Error when none comes */
export function readHello(stream: Duplex): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const settle = (act: () => void): void => {
      stream.off('data', receive).off('error', fail).off('close', fail)
      stream.pause()
      act()
    }
    const fail = (): void => settle(() => reject(new Error('the line closed before the greeting')))
    const receive = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length < lengthBytes) return
      const end = lengthBytes + bytes.readUInt32BE(0)
      if (end > mostBytes) return fail()
      if (bytes.length < end) return
      settle(() => {
        if (bytes.length > end) stream.unshift(bytes.subarray(end))
        try {
          resolve(JSON.parse(bytes.toString('utf8', lengthBytes, end)))
        } catch {
          reject(new Error('the greeting is not JSON'))
        }
      })
    }
    stream.on('data', receive).on('error', fail).on('close', fail)
  })
}
