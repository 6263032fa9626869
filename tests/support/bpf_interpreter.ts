/** What the kernel hands a seccomp filter, `struct seccomp_data` without the instruction pointer. */
export interface SeccompData {
  readonly nr: number;
  /** AUDIT_ARCH_ of the caller. */
  readonly arch: number;
  /** Six registers, 64 bits each. */
  readonly args: readonly bigint[];
}

/** A filter's answer and what it cost. */
export interface BpfRun {
  /** A SECCOMP_RET_ value. */
  readonly value: number;
  readonly instructions: number;
  /** Whether only the number and the architecture were read, so that the kernel's bitmap can stand for the program. */
  readonly cacheable: boolean;
}

/** Runs a classic BPF program as the kernel's seccomp does; throws on what its checker refuses. */
export function runBpf(program: Uint8Array, data: SeccompData): BpfRun {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const input = encodeData(data);
  let [accumulator, at, instructions, cacheable] = [0, 0, 0, true];
  for (;;) {
    if (8 * at >= program.byteLength) throw new Error(`jump behind the end, to ${at}`);
    const [op, k] = [code.getUint16(8 * at, true), code.getUint32(8 * at + 4, true)];
    const [jt, jf] = [code.getUint8(8 * at + 2), code.getUint8(8 * at + 3)];
    const branch = (holds: boolean) => 1 + (holds ? jt : jf);
    instructions++;
    let step = 1;
    switch (op) {
      case 0x20:
        if (k % 4 !== 0 || k > 60) throw new Error(`load at ${k}`);
        accumulator = input.getUint32(k, true);
        cacheable &&= k < 8;
        break;
      case 0x54:
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05:
        step = 1 + k;
        break;
      case 0x15:
        step = branch(accumulator === k);
        break;
      case 0x25:
        step = branch(accumulator > k);
        break;
      case 0x35:
        step = branch(accumulator >= k);
        break;
      case 0x06:
        return { value: k, instructions, cacheable };
      default:
        throw new Error(`instruction ${op.toString(16)} at ${at}`);
    }
    at += step;
  }
}

function encodeData({ nr, arch, args }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, nr, true);
  view.setUint32(4, arch, true);
  args.forEach((arg, index) => view.setBigUint64(16 + 8 * index, arg, true));
  return view;
}
