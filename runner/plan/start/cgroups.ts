import { addDirectory, addWriteAndClose } from "../idioms.ts";
import { bytes, call, type Data, flags, type ProgramBuilder, resultOf, type Step, text } from "../program.ts";
import {
  DEFAULT_DEVICE_RULES,
  deviceFilterV2,
  devicesV1,
  PRIVILEGED_DEVICE_RULES,
} from "../hardening/mod.ts";
import { type CgroupHierarchy, type CgroupHost, cgroupJoins, type CgroupSetting } from "../resources/mod.ts";

/** The opened doors of a cgroup: what a child needs to enter it. */
export interface CgroupDoors {
  /** `tasks` or `cgroup.procs` files, to which the child writes `0`: the kernel asks who opened them, not who writes. */
  readonly tasks: readonly Step[];
  /** v2: the directory to be born in. */
  readonly directory?: Step;
}

/** The hierarchies with the ids named, in the kernel's order. */
function hierarchies(host: CgroupHost, ids: readonly number[]): CgroupHierarchy[] {
  return host.hierarchies.filter((hierarchy) => ids.includes(hierarchy.id));
}

/** Adds the making of a cgroup in each of the hierarchies. */
export function addCgroup(
  builder: ProgramBuilder,
  host: CgroupHost,
  path: string,
  ids: readonly number[],
): void {
  for (const hierarchy of hierarchies(host, ids)) {
    addDirectory(builder, `${hierarchy.mountPoint}/${path}`, 0o755);
  }
}

/** Adds the writing of settings; a file that the kernel lacks is an error only where the manifest asks for it. */
export function addCgroupSettings(
  builder: ProgramBuilder,
  host: CgroupHost,
  path: string,
  settings: readonly CgroupSetting[],
): void {
  for (const setting of settings) {
    const { mountPoint } = hierarchies(host, [setting.hierarchy])[0]!;
    addSetting(builder, `${mountPoint}/${path}/${setting.file}`, setting.value, setting);
  }
}

function addSetting(
  builder: ProgramBuilder,
  file: string,
  value: string,
  rule: { readonly from: CgroupSetting["from"]; readonly required: boolean },
): void {
  const options = rule.from === null ? {} : { from: rule.from };
  const name = `set ${file.slice(file.lastIndexOf("/") + 1)} to ${JSON.stringify(value)}`;
  const open = call("openat", "AT_FDCWD", text(file), flags("O_WRONLY", "O_CLOEXEC"), 0);
  if (rule.required) {
    addWriteAndClose(builder, name, builder.add(name, open, options), value, options);
    return;
  }
  // an absent file gives -1, and the write and the close of it EBADF: tolerated, so that no jump is needed
  const opened = builder.add(name, open, { ...options, tolerate: ["ENOENT"] });
  const data = new TextEncoder().encode(value);
  builder.add(name, call("write", resultOf(opened), bytes(data, JSON.stringify(value)), data.length), {
    ...options,
    tolerate: ["EBADF"],
  });
  builder.add(name, call("close", resultOf(opened)), { tolerate: ["EBADF"] });
}

/**
 * Adds the opening of what a child needs to enter the cgroup. A pod with users of its own (`mapped`) enters by writing
 * alone: `clone3(2)` asks whether the infra that clones may write to the cgroup, and the pod's root may not.
 */
export function addDoors(
  builder: ProgramBuilder,
  host: CgroupHost,
  pathOf: (hierarchyId: number) => string,
  ids: readonly number[],
  mapped: boolean,
): CgroupDoors {
  const tasks: Step[] = [];
  let directory: Step | undefined;
  for (const join of cgroupJoins(host, ids)) {
    const base = `${hierarchies(host, [join.hierarchy])[0]!.mountPoint}/${pathOf(join.hierarchy)}`;
    if (join.by === "write" || mapped) {
      const file = join.by === "write" ? join.file : "cgroup.procs";
      const open = call("openat", "AT_FDCWD", text(`${base}/${file}`), flags("O_WRONLY", "O_CLOEXEC"), 0);
      tasks.push(builder.add(`open the cgroup "${base}"`, open));
    } else {
      const open = call("openat", "AT_FDCWD", text(base), flags("O_PATH", "O_DIRECTORY", "O_CLOEXEC"), 0);
      directory = builder.add(`open the cgroup "${base}"`, open);
    }
  }
  return directory ? { tasks, directory } : { tasks };
}

const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;

/** Adds the device list of a cgroup: writes on v1, an eBPF program on v2. A machine with neither refuses the pod. */
export function addDevices(
  builder: ProgramBuilder,
  host: CgroupHost,
  path: string,
  privileged: boolean,
): void {
  const rules = privileged ? PRIVILEGED_DEVICE_RULES : DEFAULT_DEVICE_RULES;
  const v1 = host.hierarchies.find((hierarchy) =>
    hierarchy.version === 1 && hierarchy.controllers.includes("devices")
  );
  if (v1) {
    for (const { file, value } of devicesV1(rules)) {
      addSetting(builder, `${v1.mountPoint}/${path}/${file}`, value, { from: null, required: true });
    }
    return;
  }
  const v2 = host.hierarchies.find((hierarchy) => hierarchy.version === 2);
  if (!v2 || privileged) return;
  addDeviceFilter(builder, `${v2.mountPoint}/${path}`, deviceFilterV2(rules));
}

/** union bpf_attr of `bpf(2)`: load the program, attach it, let both descriptors go (the cgroup keeps the program). */
function addDeviceFilter(builder: ProgramBuilder, directory: string, filter: Uint8Array): void {
  const name = `allow the usual devices alone in "${directory}"`;
  const instructions = bytes(filter, `<${filter.length / 8} instructions>`);
  const load: Data = {
    ...struct(128, "{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE}"),
    pointers: [
      { at: 8, to: instructions },
      { at: 16, to: text("Apache-2.0") },
    ],
  };
  const loadView = new DataView(load.bytes.buffer as ArrayBuffer);
  loadView.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true);
  loadView.setUint32(4, filter.length / 8, true);
  const attach = struct(128, "{attach_type=BPF_CGROUP_DEVICE, attach_flags=BPF_F_ALLOW_MULTI}");
  const attachView = new DataView(attach.bytes.buffer as ArrayBuffer);
  attachView.setUint32(8, BPF_CGROUP_DEVICE, true);
  attachView.setUint32(12, BPF_F_ALLOW_MULTI, true);
  const open = call("openat", "AT_FDCWD", text(directory), flags("O_RDONLY", "O_DIRECTORY", "O_CLOEXEC"), 0);
  const cgroup = builder.add(name, open, { store: { in: attach, at: 0 } });
  const program = builder.add(name, call("bpf", BPF_PROG_LOAD, load, load.bytes.length), {
    store: { in: attach, at: 4 },
  });
  builder.add(name, call("bpf", BPF_PROG_ATTACH, attach, attach.bytes.length));
  builder.add(name, call("close", resultOf(program)));
  builder.add(name, call("close", resultOf(cgroup)));
}

function struct(length: number, label: string): Data {
  return bytes(new Uint8Array(new ArrayBuffer(length)), label);
}
