import { MAX_ARGUMENT_BYTES, MAX_PROBLEMS_PER_CONTAINER, messageOf, SeedpodError } from "../../base/mod.ts";

/** What keeps a container from starting, gathered so that a person reads all of it at once. */
export class Problems {
  readonly #container: string;
  readonly #all: { readonly sentence: string; readonly hint: string | undefined }[] = [];

  /** Makes an empty list for the container of that name. */
  constructor(container: string) {
    this.#container = container;
  }

  /** Adds what is wrong with a field. */
  add(field: string, state: string, hint?: string): void {
    this.#all.push({ sentence: `${field}: ${state}`, hint });
  }

  /** Adds an error of another part as what is wrong with a field. */
  addError(field: string, error: unknown): void {
    const message = messageOf(error);
    const hint = error instanceof SeedpodError ? error.hint : undefined;
    this.add(field, message.slice(0, 1).toLowerCase() + message.slice(1), hint);
  }

  /** Adds what keeps a text from being an argument or variable of a process; says whether there is anything. */
  addTextFault(field: string, text: string | undefined): boolean {
    const fault = textFault(text);
    if (fault !== undefined) this.add(field, fault);
    return fault !== undefined;
  }

  /** Throws all of it as one error, fault "user"; nothing when the list is empty. */
  throwAny(): void {
    if (this.#all.length === 0) return;
    const shown = this.#all.slice(0, MAX_PROBLEMS_PER_CONTAINER).map(({ sentence }) => sentence);
    if (this.#all.length > shown.length) shown.push(`and ${this.#all.length - shown.length} more`);
    const hint = this.#all.find((problem) => problem.hint !== undefined)?.hint;
    throw new SeedpodError(`Cannot start container "${this.#container}": ${shown.join("; ")}`, {
      fault: "user",
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

const encoder = new TextEncoder();

/** Why a process cannot be given a text; undefined stands for one that grew too long while it was expanded. */
function textFault(text: string | undefined): string | undefined {
  if (text === undefined || text.length >= MAX_ARGUMENT_BYTES) return tooLong;
  if (text.includes("\0")) return "it holds a NUL character, which no process can be given";
  return encoder.encode(text).length >= MAX_ARGUMENT_BYTES ? tooLong : undefined;
}

const tooLong = `it is longer than ${
  MAX_ARGUMENT_BYTES - 1
} bytes, the most that Linux gives a process in one text`;
