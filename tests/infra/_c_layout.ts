/** What a C source says of the bytes of its structs and the numbers of its enums, so that a test sees a side drift. */

/** A member of a struct: where it lies, the bytes of one element, and how many there are. */
export interface CField {
  readonly at: number;
  readonly bytes: number;
  readonly count: number;
}

const TYPE_BYTES: Record<string, number> = { u8: 1, u16: 2, u32: 4, s32: 4, u64: 8, s64: 8 };

const withoutComments = (source: string): string => source.replace(/\/\*[\s\S]*?\*\//g, "");

/** The members of a struct of fixed-size integers, and its size, by the alignment rules of 64-bit Linux. */
export function cStruct(
  source: string,
  name: string,
): { readonly fields: ReadonlyMap<string, CField>; readonly bytes: number } {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\};`).exec(withoutComments(source))?.[1];
  if (body === undefined) throw new Error(`there is no struct ${name}`);
  const fields = new Map<string, CField>();
  let end = 0;
  let alignment = 1;
  for (const line of body.split(";").map((each) => each.trim()).filter((each) => each !== "")) {
    const [, type = "", names = ""] = /^(\w+)\s+(.*)$/s.exec(line) ?? [];
    const bytes = TYPE_BYTES[type];
    if (bytes === undefined) throw new Error(`struct ${name} has a member of type "${type}"`);
    alignment = Math.max(alignment, bytes);
    for (const declared of names.split(",")) {
      const [, field = "", count = "1"] = /^\s*(\w+)(?:\[(\d+)\])?\s*$/.exec(declared) ?? [];
      const at = Math.ceil(end / bytes) * bytes;
      fields.set(field, { at, bytes, count: Number(count) });
      end = at + bytes * Number(count);
    }
  }
  return { fields, bytes: Math.ceil(end / alignment) * alignment };
}

/** The number of every enumerator of the source whose value is a plain number or follows from the one before. */
export function cEnums(source: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const [, body = ""] of withoutComments(source).matchAll(/enum \{([^}]*)\}/g)) {
    let next = 0;
    for (const each of body.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
      const [, name = "", value] = /^(\w+)(?:\s*=\s*(\S+))?$/.exec(each) ?? [];
      const number = value === undefined ? next : values.get(value) ?? Number(value);
      values.set(name, number);
      next = number + 1;
    }
  }
  return values;
}

/** Reads and writes one struct in bytes, by the names of its members. */
export class CView {
  readonly #view: DataView;
  readonly #fields: ReadonlyMap<string, CField>;

  constructor(bytes: Uint8Array, at: number, fields: ReadonlyMap<string, CField>) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset + at);
    this.#fields = fields;
  }

  #place(name: string, index: number): { at: number; bits: number } {
    const field = this.#fields.get(name);
    if (!field || index >= field.count) throw new Error(`there is no member ${name}[${index}]`);
    return { at: field.at + index * field.bytes, bits: field.bytes * 8 };
  }

  /** The member as a signed number. */
  get(name: string, index = 0): bigint {
    const { at, bits } = this.#place(name, index);
    let value = 0n;
    for (let byte = bits / 8 - 1; byte >= 0; byte--) {
      value = (value << 8n) | BigInt(this.#view.getUint8(at + byte));
    }
    return BigInt.asIntN(bits, value);
  }

  /** The member as a number without a sign. */
  number(name: string, index = 0): number {
    return Number(BigInt.asUintN(this.#place(name, index).bits, this.get(name, index)));
  }

  /** Sets the member. */
  set(name: string, value: bigint | number, index = 0): this {
    const { at, bits } = this.#place(name, index);
    for (let byte = 0; byte < bits / 8; byte++) {
      this.#view.setUint8(at + byte, Number((BigInt(value) >> BigInt(byte * 8)) & 0xffn));
    }
    return this;
  }
}

/** The source of infra. */
export const INFRA_C: string = Deno.readTextFileSync(new URL("../../runner/infra/infra.c", import.meta.url));
