/** Makes volumes and mounts them with the real kernel, and checks that nothing of it is left. */
import assert from "node:assert/strict";
import type { Pod, PodSpec, Volume } from "../../schema/mod.ts";
import { infraExecutable, StageZero } from "../../runner/infra/mod.ts";
import { parseMountInfo, runProgram } from "../../runner/linux/mod.ts";
import {
  addAttach,
  addFileSystem,
  addTree,
  call,
  encodeProgram,
  flags,
  octal,
  type PassedFd,
  ProgramBuilder,
  resultOf,
  text,
  vector,
} from "../../runner/plan/mod.ts";
import { addVolumeMounts } from "../../runner/plan/mount_program.ts";
import { cString, flag, HOST_ARCH, openMemfd, OwnedFd, socketPair, syscall } from "../../runner/sys/mod.ts";
import { addVolumes, type VolumesRequest } from "../../runner/volume/mod.ts";

/** A pod with these volumes. */
export function podOf(volumes: Volume[], more: Partial<PodSpec> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default" },
    spec: { containers: [{ name: "main", image: "host" }], ...more, volumes },
  };
}

/** A request for a pod's volumes, with directories below a scratch directory. */
export function requestOf(scratch: string, pod: Pod, more: Partial<VolumesRequest> = {}): VolumesRequest {
  return {
    pod,
    configMaps: new Map(),
    secrets: new Map(),
    volumesDirectory: `${scratch}/pod/volumes`,
    mountPoints: `${scratch}/v`,
    userNamespace: null,
    memoryBytes: 64 * 1024 * 1024,
    hugePageSizes: [2 * 1024 * 1024],
    nowMs: Date.UTC(2026, 10, 23, 18, 18, 19, 345),
    mounts: () => parseMountInfo(Deno.readTextFileSync("/proc/self/mountinfo")),
    arch: HOST_ARCH,
    kernel: [6, 12],
    ...more,
  };
}

/** The pod's volumes, made. */
export class MadeVolumes implements Disposable {
  readonly #results: ReturnType<typeof runProgram>;
  /** Each volume's name and detached mount. */
  readonly trees: ReadonlyMap<string, OwnedFd>;

  /** Makes them; throws as the program does. */
  constructor(request: VolumesRequest) {
    const builder = new ProgramBuilder();
    const prepared = addVolumes(builder, request);
    this.#results = runProgram(builder.build());
    this.trees = new Map(prepared.map(({ name, tree }) => [name, this.#results.fdOf(tree)]));
  }

  /** A path inside a volume, through its detached mount. */
  path(volume: string, below = ""): string {
    return `/proc/self/fd/${this.trees.get(volume)!.number}/${below}`;
  }

  [Symbol.dispose](): void {
    this.#results[Symbol.dispose]();
  }
}

const leaks = (): string[] => {
  const descriptors = [...Deno.readDirSync("/proc/self/fd")].length;
  return [`${descriptors} descriptors`, Deno.readTextFileSync("/proc/self/mountinfo")];
};

/** Runs a test in a fresh directory, and checks that no mount, file or descriptor is left behind. */
export async function withScratch(test: (scratch: string) => void | Promise<void>): Promise<void> {
  infraExecutable();
  const before = leaks();
  const scratch = Deno.makeTempDirSync({ dir: "/tmp", prefix: "seedpod-test-" });
  try {
    Deno.chmodSync(scratch, 0o755);
    Deno.mkdirSync(`${scratch}/v`);
    Deno.mkdirSync(`${scratch}/rootfs`);
    await test(scratch);
    assert.deepEqual(leaks(), before, "descriptors or mounts are left behind");
  } finally {
    Deno.removeSync(scratch, { recursive: true });
  }
}

const ST_FLAGS = { ro: 1, nosuid: 2, nodev: 4, noexec: 8 } as const;
const STATFS_BYTES = 120;

/** What `fstatfs(2)` says of a path's file system. */
export function statfs(path: string): { flags: string[]; type: number; bytes: number } {
  const answer = new Uint8Array(new ArrayBuffer(STATFS_BYTES));
  using file = new OwnedFd(
    syscall(`open ${path}`, "openat", flag("AT_FDCWD"), cString(path), flag("O_PATH", "O_CLOEXEC"), 0),
  );
  syscall(`look at ${path}`, "fstatfs", file.number, answer);
  const view = new DataView(answer.buffer);
  const bits = Number(view.getBigUint64(80, true));
  return {
    flags: Object.entries(ST_FLAGS).filter(([, bit]) => (bits & bit) !== 0).map(([name]) => name),
    type: Number(view.getBigUint64(0, true)),
    bytes: Number(view.getBigUint64(8, true) * view.getBigUint64(16, true)),
  };
}

/** `40755` and the like, and the owner: `40755 0:0`. */
export function modeOf(path: string): string {
  const info = Deno.lstatSync(path);
  return `${info.mode!.toString(8)} ${info.uid}:${info.gid}`;
}

/** A child of stage 0 that stays, and goes when this is disposed of. */
export class Child implements Disposable {
  readonly #stage: StageZero;
  readonly #control: OwnedFd;
  /** Its PID here. */
  readonly pid: number;

  /** Starts it with a program, which gets `descriptors` from index 3 on; throws the name of a step that fails. */
  constructor(program: ProgramBuilder, cloneFlags: number, descriptors: readonly OwnedFd[]) {
    const [ours, theirs] = socketPair();
    this.#control = ours;
    program.add("keep the control socket", call("dup3", passed(2), 3, 0));
    const environment = [vector(["infra"]), vector([])] as const;
    program.add("stay", call("execveat", passed(1), text(""), ...environment, "AT_EMPTY_PATH"));
    const built = program.build();
    using encoded = openMemfd("program", encodeProgram(built, HOST_ARCH).bytes);
    const all = [infraExecutable(), theirs, ...descriptors];
    this.#stage = new StageZero({ cloneFlags, program: encoded, descriptors: all });
    theirs.close();
    const outcome = this.#stage.outcome();
    if (outcome.type === "failed") {
      this[Symbol.dispose]();
      throw new Error(`${built.steps[outcome.step]?.name}: errno ${outcome.errno}`);
    }
    assert.equal(outcome.type, "spawned");
    this.pid = (outcome as { pid: number }).pid;
  }

  [Symbol.dispose](): void {
    this.#control.close();
    this.#stage[Symbol.dispose]();
  }
}

/** The n-th descriptor passed to a child. */
export function passed(index: number): PassedFd {
  return { kind: "passed", index, text: `descriptor ${index}` };
}

/** The host's id of the root of {@linkcode openUserNamespace}. */
const FIRST_HOST_ID = 300_000;

/** The ids of {@linkcode openUserNamespace} as volumes are made from them. */
export function usersOf(namespace: OwnedFd): NonNullable<VolumesRequest["userNamespace"]> {
  return { fd: namespace.number, firstHostId: FIRST_HOST_ID, count: 65536 };
}

/** A user namespace whose root is the host's 300000. */
export function openUserNamespace(): OwnedFd {
  using child = new Child(new ProgramBuilder(), flag("CLONE_NEWUSER"), []);
  for (const map of ["uid_map", "gid_map"]) {
    Deno.writeTextFileSync(`/proc/${child.pid}/${map}`, `0 ${FIRST_HOST_ID} 65536\n`);
  }
  const path = cString(`/proc/${child.pid}/ns/user`);
  return new OwnedFd(
    syscall("open", "openat", flag("AT_FDCWD"), path, flag("O_RDONLY", "O_CLOEXEC"), 0),
  );
}

/** How {@linkcode MountedContainer} differs from an ordinary one. */
export interface ContainerOptions {
  readonly privileged?: boolean;
  /** The pod's own users. */
  readonly userNamespace?: OwnedFd;
  /** Steps of the child after the mounts. */
  readonly finish?: (builder: ProgramBuilder) => void;
}

/** Adds the entering of the last passed descriptor's user namespace. */
function addEnterUserNamespace(builder: ProgramBuilder, index: number): void {
  builder.add("enter the user namespace", call("setns", passed(index), "CLONE_NEWUSER"));
  builder.add("drop the groups", call("setgroups", 0, 0));
  builder.add("become its root group", call("setresgid", 0, 0, 0));
  builder.add("become its root", call("setresuid", 0, 0, 0));
}

/** The program of a child that has the volumes at `/v`, `SCRATCH/rootfs` at `/rootfs`, and mounts these in it. */
function containerProgram(scratch: string, pod: Pod, options: ContainerOptions): ProgramBuilder {
  const builder = new ProgramBuilder();
  const spec = pod.spec!;
  const volumes = spec.volumes!;
  if (options.userNamespace) addEnterUserNamespace(builder, 3 + volumes.length);
  builder.add("make a mount namespace", call("unshare", "CLONE_NEWNS"));
  const slave = call("mount", 0, text("/"), 0, flags("MS_REC", "MS_SLAVE"), 0);
  builder.add("keep mounts from the machine", slave);
  const root = addFileSystem(builder, "make the sandbox's root", "tmpfs", [], []);
  const rootfs = addTree(builder, "clone the rootfs", "AT_FDCWD", `${scratch}/rootfs`);
  const points = addTree(builder, "clone the mount points", "AT_FDCWD", `${scratch}/v`);
  addAttach(builder, "mount the sandbox's root", resultOf(root), "AT_FDCWD", "/");
  for (const name of ["v", "rootfs"]) {
    builder.add(`make ${name}`, call("mkdirat", resultOf(root), text(name), octal(0o755)));
  }
  addAttach(builder, "mount the rootfs", resultOf(rootfs), resultOf(root), "rootfs");
  addAttach(builder, "mount the mount points", resultOf(points), resultOf(root), "v");
  volumes.forEach(({ name }, index) => {
    addAttach(builder, `hold volume ${name}`, passed(3 + index), resultOf(points), name);
  });
  builder.add("enter the sandbox", call("fchdir", resultOf(root)));
  builder.add("change the root", call("pivot_root", text("."), text(".")));
  builder.add("let the old root go", call("umount2", text("."), "MNT_DETACH"));
  builder.add("enter the root", call("chdir", text("/")));
  addVolumeMounts(builder, {
    volumeMounts: spec.containers[0]!.volumeMounts ?? [],
    spec,
    rootfs: resultOf(rootfs),
    from: ["spec", "containers", 0],
    privileged: options.privileged ?? false,
    arch: HOST_ARCH,
  });
  options.finish?.(builder);
  return builder;
}

/** A container's mount namespace, to be looked at from outside. */
export class MountedContainer implements Disposable {
  readonly #child: Child;
  readonly #volumes: MadeVolumes;

  /** Makes the pod's volumes, and mounts them as its first container does. */
  constructor(scratch: string, request: VolumesRequest, options: ContainerOptions = {}) {
    const userNamespace = options.userNamespace ? usersOf(options.userNamespace) : null;
    this.#volumes = new MadeVolumes({ ...request, userNamespace });
    try {
      const program = containerProgram(scratch, request.pod, options);
      const users = options.userNamespace ? [options.userNamespace] : [];
      this.#child = new Child(program, 0, [...this.#volumes.trees.values(), ...users]);
    } catch (error) {
      this.#volumes[Symbol.dispose]();
      throw error;
    }
  }

  /** A path in the container. */
  path(inside: string): string {
    return `/proc/${this.#child.pid}/root/rootfs${inside}`;
  }

  /** The optional fields of the mount on a path: `shared:1`, `master:1`; undefined when nothing is mounted there. */
  propagation(inside: string): string | undefined {
    const line = Deno.readTextFileSync(`/proc/${this.#child.pid}/mountinfo`).split("\n")
      .find((each) => each.split(" ")[4] === `/rootfs${inside}`);
    const fields = line?.split(" ");
    return fields?.slice(6, fields.indexOf("-")).map((field) => field.split(":")[0]).join(" ");
  }

  [Symbol.dispose](): void {
    this.#child[Symbol.dispose]();
    this.#volumes[Symbol.dispose]();
  }
}
