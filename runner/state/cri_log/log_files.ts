import { SeedpodError } from "../../base/mod.ts";

/** Bytes at the beginning of a file that tell it from another in its place: its first line's time, to the nanosecond. */
const MARK_BYTES = 30;
/** A rotation takes microseconds; so many in a row while the files are listed are none. */
const MAX_TRIES = 64;

/** The name of an attempt's file; generation 0 is the one in use, higher ones are older. */
function fileName(directory: string, attempt: number, generation: number): string {
  return `${directory}/${attempt}.log${generation === 0 ? "" : `.${generation}`}`;
}

/** Undefined where `action` finds nothing. */
function ifThere<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const inodeAt = (path: string): number | undefined => ifThere(() => Deno.lstatSync(path).ino ?? undefined);

/** The attempts of a container of which a log is there, oldest first. */
export function logAttempts(directory: string): number[] {
  const names = ifThere(() => [...Deno.readDirSync(directory)].map(({ name }) => name)) ?? [];
  return names
    .flatMap((name) => /^(0|[1-9]\d{0,9})\.log$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** The generations of an attempt's log that are there, oldest (highest) first. */
function generations(directory: string, attempt: number): number[] {
  const prefix = `${attempt}.log`;
  const names = ifThere(() => [...Deno.readDirSync(directory)].map(({ name }) => name)) ?? [];
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) =>
      name === prefix
        ? 0
        : /^\.\d{1,4}$/.test(name.slice(prefix.length))
        ? Number(name.slice(prefix.length + 1))
        : -1
    )
    .filter((generation) => generation >= 0)
    .sort((a, b) => b - a);
}

/** One open file of a log. It stays the same file whatever its name becomes. */
export class LogFile implements Disposable {
  /** Its inode, which no other file gets while this one is open. */
  readonly inode: number;
  /** The byte read next. */
  position = 0;
  readonly #file: Deno.FsFile;
  #mark: Uint8Array = new Uint8Array(0);

  /** Takes the file over. */
  constructor(file: Deno.FsFile) {
    this.#file = file;
    this.inode = file.statSync().ino ?? 0;
  }

  /** Bytes in the file now. */
  get size(): number {
    return this.#file.statSync().size;
  }

  /** Whether it still has a name. */
  get isKept(): boolean {
    return this.#file.statSync().nlink !== 0;
  }

  /** Reads on into `bytes`; 0 at the end of what is there. */
  read(bytes: Uint8Array): number {
    this.#file.seekSync(this.position, Deno.SeekMode.Start);
    const count = this.#file.readSync(bytes) ?? 0;
    if (this.#mark.length === 0 && count > 0) this.#mark = this.#readMark();
    this.position += count;
    return count;
  }

  /** Reads `bytes` full from a position; gives less only at the end of the file. */
  readAt(position: number, bytes: Uint8Array): Uint8Array {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    let filled = 0;
    while (filled < bytes.length) {
      const count = this.#file.readSync(bytes.subarray(filled)) ?? 0;
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  #readMark(): Uint8Array {
    return this.readAt(0, new Uint8Array(MARK_BYTES));
  }

  /**
   * Goes back if the file has become shorter than what was read: behind the last whole line if it is the same file, as
   * when a write did not fit and was taken back, otherwise to its beginning. Says whether it did; the last `pending`
   * bytes read, which are no whole line, are then to be forgotten.
   */
  rewindIfCut(pending: number): boolean {
    const { size } = this;
    if (size >= this.position) return false;
    const mark = this.#readMark();
    const isSame = mark.length === MARK_BYTES && mark.every((byte, index) => byte === this.#mark[index]);
    this.position = isSame ? Math.min(size, this.position - pending) : 0;
    this.#mark = new Uint8Array(0);
    return true;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function openFile(path: string): LogFile | undefined {
  const file = ifThere(() => Deno.openSync(path));
  return file && new LogFile(file);
}

/** Whether a file is missing between others, as in the middle of a rotation. */
const hasHole = (found: readonly number[]): boolean =>
  found.some((generation, index) => index > 0 && found[index - 1] !== generation + 1);

/** Opens every generation of a log at one instant: newest first, none twice though they may be renamed meanwhile. */
export function openLogFiles(directory: string, attempt: number): LogFile[] {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = generations(directory, attempt);
    // A hole that stays is none of a rotation: somebody has removed a file.
    if (hasHole(found) && tries < MAX_TRIES / 2) continue;
    const paths = found.reverse().map((generation) => fileName(directory, attempt, generation));
    const files = paths.map(openFile);
    const opened = files.filter((file) => file !== undefined);
    const [newest] = opened;
    const isWhole = opened.length === files.length &&
      new Set(opened.map(({ inode }) => inode)).size === files.length &&
      (newest === undefined || inodeAt(paths[0]!) === newest.inode);
    if (isWhole) return opened;
    for (const file of opened) file[Symbol.dispose]();
  }
  throw new SeedpodError(`Cannot read the logs in "${directory}": the files are renamed all the time`);
}

/**
 * The file that was begun after `current`, or the oldest one when `current` is no longer kept; undefined when none is
 * there yet, as between the two halves of a rotation.
 */
export function nextLogFile(directory: string, attempt: number, current: LogFile): LogFile | undefined {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = generations(directory, attempt);
    if (hasHole(found) && tries < MAX_TRIES / 2) continue;
    const paths = found.map((generation) => fileName(directory, attempt, generation));
    const at = paths.findIndex((path) => inodeAt(path) === current.inode);
    // Renamed while it was looked for: it is there under a name that was passed already.
    if (at < 0 && current.isKept) continue;
    const next = paths[at + 1];
    if (next === undefined) return undefined;
    const file = openFile(next);
    const isStillBefore = at < 0 || inodeAt(paths[at]!) === current.inode;
    if (file && isStillBefore && file.inode !== current.inode) return file;
    file?.[Symbol.dispose]();
  }
  throw new SeedpodError(`Cannot read the logs in "${directory}": the files are renamed all the time`);
}
