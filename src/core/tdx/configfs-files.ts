/** configfs-tsm through `node:fs`: the edge behind `TsmFiles`. Decides nothing. */
import { constants } from 'node:fs'
import { mkdir, open, rmdir } from 'node:fs/promises'
import type { TsmFiles } from './configfs-provider.js'

/** These files have no positions: read(2) and write(2), never pread and pwrite. */
const NO_POSITION = null

export const KERNEL_TSM_FILES: TsmFiles = {
  async makeFolder(path) {
    await mkdir(path)
  },
  removeFolder: rmdir,
  async open(path, access) {
    const handle = await open(path, access === 'read' ? constants.O_RDONLY : constants.O_WRONLY)
    return {
      async read(maxBytes) {
        const buffer = new Uint8Array(maxBytes)
        const { bytesRead } = await handle.read(buffer, 0, maxBytes, NO_POSITION)
        return buffer.subarray(0, bytesRead)
      },
      async write(bytes) {
        return (await handle.write(bytes, 0, bytes.length, NO_POSITION)).bytesWritten
      },
      close: () => handle.close(),
    }
  },
}
