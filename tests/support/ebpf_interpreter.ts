/** What the kernel hands a device filter, `struct bpf_cgroup_dev_ctx`. */
export interface DeviceRequest {
  readonly type: "b" | "c";
  /** BPF_DEVCG_ACC_ bits: 1 mknod, 2 read, 4 write. */
  readonly access: number;
  readonly major: number;
  readonly minor: number;
}

/** Runs the part of eBPF that device filters are made of and gives what is in R0 at the exit. */
export function runEbpf(program: Uint8Array, request: DeviceRequest): bigint {
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const context = new DataView(new ArrayBuffer(12));
  context.setUint32(0, request.access << 16 | (request.type === "b" ? 1 : 2), true);
  context.setUint32(4, request.major, true);
  context.setUint32(8, request.minor, true);
  const registers: (bigint | "context" | undefined)[] = [undefined, "context"];
  const value = (register: number): bigint => {
    const held = registers[register];
    if (typeof held !== "bigint") throw new Error(`R${register} is ${held}`);
    return held;
  };
  for (let at = 0;; at++) {
    if (8 * at >= program.byteLength) throw new Error(`jump behind the end, to ${at}`);
    const [op, registerPair] = [code.getUint8(8 * at), code.getUint8(8 * at + 1)];
    const [dst, src] = [registerPair & 15, registerPair >> 4];
    const [offset, immediate] = [code.getInt16(8 * at + 2, true), BigInt(code.getInt32(8 * at + 4, true))];
    switch (op) {
      case 0x61:
        if (registers[src] !== "context") throw new Error(`load through R${src}`);
        registers[dst] = BigInt(context.getUint32(offset, true));
        break;
      case 0x57:
        registers[dst] = BigInt.asUintN(64, value(dst) & immediate);
        break;
      case 0x77:
        registers[dst] = value(dst) >> immediate;
        break;
      case 0xb7:
        registers[dst] = BigInt.asUintN(64, immediate);
        break;
      case 0x55:
        if (value(dst) !== BigInt.asUintN(64, immediate)) at += offset;
        break;
      case 0x45:
        if ((value(dst) & BigInt.asUintN(64, immediate)) !== 0n) at += offset;
        break;
      case 0x95:
        return value(0);
      default:
        throw new Error(`instruction ${op.toString(16)} at ${at}`);
    }
  }
}
