import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The one image there is: busybox, all its commands, and a folder to write to. */
export const image = 'kubeguard.test/busybox:1'

/**
 * Writes an OCI image layout as an archive, for `ctr images import`. Its fields are those of the OCI image
 * specification, "image-layout", "manifest" and "config".
 * @returns the archive's path.
 */
export function makeImage(folder: string, busybox: string): string {
  const layout = join(folder, 'image')
  const blobs = join(layout, 'blobs', 'sha256')
  mkdirSync(blobs, { recursive: true })
  const add = (bytes: Buffer, mediaType: string) => {
    const hex = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(blobs, hex), bytes)
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
  }
  const addJson = (value: unknown, kind: string) =>
    add(Buffer.from(JSON.stringify(value)), `application/vnd.oci.image.${kind}.v1+json`)
  const layer = add(readFileSync(makeLayer(folder, busybox)), 'application/vnd.oci.image.layer.v1.tar')
  const config = addJson(
    {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Env: ['PATH=/bin'], Entrypoint: ['/bin/sleep', '2147483647'] },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    },
    'config',
  )
  const manifest = addJson({ schemaVersion: 2, config, layers: [layer] }, 'manifest')
  const annotations = { 'io.containerd.image.name': image }
  writeFileSync(
    join(layout, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  )
  writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  return archive(layout, join(folder, 'image.tar'))
}

function makeLayer(folder: string, busybox: string): string {
  const root = join(folder, 'layer')
  for (const name of ['bin', 'tmp', 'etc', 'root']) mkdirSync(join(root, name), { recursive: true })
  copyFileSync(busybox, join(root, 'bin', 'busybox'))
  const commands = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const name of commands) if (name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name))
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  return archive(root, join(folder, 'layer.tar'))
}

function archive(from: string, to: string): string {
  execFileSync('tar', ['--owner=0', '--group=0', '--numeric-owner', '-C', from, '-cf', to, '.'])
  rmSync(from, { recursive: true })
  return to
}
