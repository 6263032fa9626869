import { MAX_HELD_LOG_LINE_BYTES } from "../../base/mod.ts";

/** The pieces of a line whose end has not been seen. */
export class HeldLine {
  #bytes = new Uint8Array(0);
  #length = 0;
  /** Its beginning was already passed on. */
  isOpen = false;

  /** Whether anything is held. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Whether the next piece of that size would be too much to hold. */
  overflows(size: number): boolean {
    return this.#length + size > MAX_HELD_LOG_LINE_BYTES;
  }

  /** Adds a copy of a piece. */
  push(piece: Uint8Array): void {
    if (this.#length + piece.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(4096, 2 * this.#bytes.length, this.#length + piece.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#length);
    this.#length += piece.length;
  }

  /** Gives what is held and holds nothing; it stays valid until the next push. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }
}
