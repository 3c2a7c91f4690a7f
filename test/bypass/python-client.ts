import { join } from 'node:path'
import type { Siege } from './siege.ts'

/** Gets a credential as client-go does, says so at its first answer, and asks on and on. */
export const pythonClient = `
import json, os, ssl, subprocess, sys, time, urllib.request
server, *plugin = sys.argv[1:]
info = {'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential', 'spec': {'interactive': False}}
run = subprocess.run(plugin, env={**os.environ, 'KUBERNETES_EXEC_INFO': json.dumps(info)}, capture_output=True, text=True, check=True)
token = json.loads(run.stdout)['status']['token']
request = urllib.request.Request(server + '/api/v1/namespaces/default/pods', headers={'Authorization': 'Bearer ' + token})
while True:
    if urllib.request.urlopen(request, context=ssl._create_unverified_context()).status == 200: print('works', flush=True)
    time.sleep(0.05)
`

/** Asks for a credential again and again, as an extension host does for each of its clients, and says what came of it. */
export const askingClient = `
import subprocess, sys, time
while True:
    run = subprocess.run(sys.argv[1:], capture_output=True, text=True)
    print('served' if 'ExecCredential' in run.stdout else 'refused', flush=True)
    time.sleep(0.2)
`

/** The credential plugin as the kubeconfig names it, as words for a shell. */
export function pluginLine({ home, credentials }: Siege): string {
  const plugin = join(home.guardHome, 'data/bin/kubeguard-credential')
  return `${plugin} --policy default --credential ${credentials.default}`
}
