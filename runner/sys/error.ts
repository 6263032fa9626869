import { describeErrno, type ErrnoName, errnoName, errnoNumber, SeedpodError } from "../base/mod.ts";

/** A system call that failed. */
export class SysError extends SeedpodError {
  override readonly name = "SysError";
  /** The error number, as in `errno(3)`. */
  readonly errno: number;

  /** `what` completes the sentence `Cannot …`. */
  constructor(what: string, errno: number, hint?: string) {
    super(`Cannot ${what}: ${describeErrno(errno)}`, hint === undefined ? {} : { hint });
    this.errno = errno;
  }

  /** Whether the error is the one named. */
  is(name: ErrnoName): boolean {
    return this.errno === errnoNumber(name);
  }

  /** The error's name, such as `ENOENT`. */
  get errnoName(): string {
    return errnoName(this.errno);
  }
}
