import { statfsSync } from 'node:fs'

/**
 * File systems whose changes the kernel is not told of when another machine, or the other side of a virtual
 * one, makes them (inotify(7)); the numbers are those of statfs(2).
 */
const deafTypes = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x65735546, // FUSE: sshfs and the like
  0x01021997, // 9p: WSL's drives
  0x6a656a63, // virtiofs
  0x5346414f, // AFS
  0x6b414653, // kAFS
  0x73757245, // Coda
  0x00c36400, // Ceph
  0x786f4256, // vboxsf
  0xbacbacbc, // vmhgfs
  0x01161970, // GFS2
  0x7461636f, // OCFS2
  0x0bd00bd0, // Lustre
  0x47504653, // GPFS
])

const isDeafType = (type: number): boolean => deafTypes.has(type >>> 0)

/** Must this folder be looked at again and again, as nobody tells of changes there? */
export function isOnNetwork(folder: string): boolean {
  try {
    return isDeafType(statfsSync(folder).type)
  } catch {
    return false
  }
}
