import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'

/** Writes USER.kubeconfig with USER.crt and USER.key of the folder. @returns its path. */
export function writeKubeconfig(folder: string, user: string, url: string): string {
  const data = (name: string): string => readFileSync(join(folder, name)).toString('base64')
  const config = {
    'apiVersion': 'v1',
    'kind': 'Config',
    'clusters': [{ name: 'test', cluster: { 'server': url, 'certificate-authority-data': data('ca.crt') } }],
    'users': [
      {
        name: user,
        user: {
          'client-certificate-data': data(`${user}.crt`),
          'client-key-data': data(`${user}.key`),
        },
      },
    ],
    'contexts': [{ name: 'test', context: { cluster: 'test', user } }],
    'current-context': 'test',
  }
  const path = join(folder, `${user}.kubeconfig`)
  writeFileSync(path, stringify(config, { lineWidth: 0 }), { mode: 0o600 })
  return path
}
