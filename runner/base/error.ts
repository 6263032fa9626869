/** Whose fault an error is: it decides the exit status of the program (1 the user's, 2 ours). */
export type Fault = "user" | "ours";

/** What a {@linkcode SeedpodError} carries besides its sentence. */
export interface ErrorDetails {
  /** Whose fault it is; "ours" when left out. */
  fault?: Fault;
  /** What to do about it, one sentence in the imperative. */
  hint?: string;
  /** The error below this one. */
  cause?: unknown;
}

/**
 * An error that a person will read. Its message has the form `Cannot <verb> <subject>: <state>`: sentence
 * case, no full stop, values quoted.
 */
export class SeedpodError extends Error {
  override readonly name: string = "SeedpodError";
  /** Whose fault it is. */
  readonly fault: Fault;
  /** What to do about it. */
  readonly hint: string | undefined;

  /** Makes an error from its sentence and details. */
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.fault = details.fault ?? "ours";
    this.hint = details.hint;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
