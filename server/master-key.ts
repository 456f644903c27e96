/** The file that holds the master key: 32 random bytes as base64, on one line. */
import { closeSync, constants, fstatSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Chance } from '../shared/clock.ts'
import { masterKeyBytes } from './seal.ts'
import { masterKeyPath, type Settings } from './settings.ts'
import { StartRefused } from './start-refused.ts'

export interface MasterKey {
  readonly bytes: Uint8Array
  readonly path: string
  /** What the operator ought to know, in whole sentences. */
  readonly warnings: readonly string[]
}

/**
 * Reads the key, or makes it in the data directory when `QM_MASTER_KEY_FILE` names none. `isNeeded` says that the
 * database holds secrets already: then a missing file is never replaced by a new key, which could not open them.
 */
export const openMasterKey = (settings: Pick<Settings, 'masterKeyFile' | 'dataDir'>, isNeeded: boolean, chance: Chance): MasterKey => {
  const path = masterKeyPath(settings)
  const found = readKey(path)
  if (found !== undefined) return { path, ...found }
  if (settings.masterKeyFile !== null)
    throw new StartRefused(
      `QM_MASTER_KEY_FILE names ${path}, and there is no such file. Put the key there, or make one with: (umask 077; openssl rand -base64 32 > ${path}).`,
    )
  if (isNeeded)
    throw new StartRefused(
      `The database holds sealed store credentials, and the key that seals them is not at ${path}. Put the key file back, or name its place in QM_MASTER_KEY_FILE.`,
    )
  const bytes = chance.bytes(masterKeyBytes)
  writeKey(path, bytes)
  return {
    bytes,
    path,
    warnings: [
      `A new master key was made at ${path}, beside the data that it seals. Move it to another place, name that place in QM_MASTER_KEY_FILE, and keep a copy: without it the store credentials can not be opened.`,
    ],
  }
}

const readKey = (path: string): Omit<MasterKey, 'path'> | undefined => {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new StartRefused(`The master key ${path} can not be read: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause })
  }
  try {
    const state = fstatSync(file)
    if (!state.isFile() || state.size > 1024) throw new StartRefused(`The master key ${path} is not a file with one line of base64.`)
    const text = readFileSync(file, 'utf8').trim()
    const bytes = Buffer.from(text, 'base64')
    if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text) || bytes.length !== masterKeyBytes)
      throw new StartRefused(`The master key ${path} is not ${masterKeyBytes} bytes of base64 on one line. Put the right file back.`)
    const isOpen = process.platform !== 'win32' && (state.mode & 0o077) !== 0
    return {
      bytes: new Uint8Array(bytes),
      warnings: isOpen ? [`The master key ${path} can be read by other users of this machine. Close it with: chmod 600 ${path}.`] : [],
    }
  } finally {
    closeSync(file)
  }
}

const writeKey = (path: string, bytes: Uint8Array): void => {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Never over a file that is there, and on the disk before anything is sealed with it.
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    writeSync(file, `${Buffer.from(bytes).toString('base64')}\n`)
    fsyncSync(file)
    closeSync(file)
    const directory = openSync(dirname(path), constants.O_RDONLY)
    fsyncSync(directory)
    closeSync(directory)
  } catch (cause) {
    throw new StartRefused(`The master key could not be written to ${path}: ${cause instanceof Error ? cause.message : String(cause)}.`, {
      cause,
    })
  }
}
