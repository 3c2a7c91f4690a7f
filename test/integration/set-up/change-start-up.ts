import { dirs, ensurePlaces } from '../../../src/platform/dirs.ts'
import { noteStartUpFile } from '../../../src/cli/before.ts'
import { addHook, hookLine, removeHook } from '../../../src/cli/shell-hook.ts'

/** What init and uninstall do to one start-up file, without the rest of them. Called with `add` or `remove`, and the file. */
const [, , order = '', path = ''] = process.argv
ensurePlaces(dirs())
if (order === 'add') {
  noteStartUpFile(path)
  addHook({ shell: 'bash', path, line: hookLine('bash') })
} else {
  removeHook(path, true)
}
