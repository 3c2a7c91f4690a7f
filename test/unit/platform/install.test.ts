import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  bundlePath,
  installRoot,
  launcherPath,
  nativePath,
  nodePath,
  version,
} from '../../../src/platform/install.ts'

test('everything is found from the package’s own folder', () => {
  const root = installRoot()
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    name: string
    version: string
  }
  expect(manifest.name).toBe('kubeguard')
  expect(version()).toBe(manifest.version)
  expect(bundlePath('daemon')).toBe(join(root, 'dist/daemon.cjs'))
  expect(nativePath()).toBe(join(root, 'dist/native/kubeguard-native'))
  expect(launcherPath('kubectl')).toBe(join(root, 'bin/kubectl'))
  expect(existsSync(nodePath())).toBe(true)
})
