import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type SyscallName, syscallNumber } from "../../runner/base/mod.ts";
import { containerPids, infraPid, processStatus, uidOf } from "../support/pod_processes.ts";
import { podTest, type TestRoot } from "../support/pods.ts";

/** linux/ptrace.h */
const PTRACE_SEIZE = "0x4206";
const NONE = "0000000000000000";
/** CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP */
const DEFAULT_SET = "00000000800405fb";

/** A pod of one container that sleeps, with a securityContext and more of a spec. */
function sleeper(name: string, security: string, spec = ""): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
${spec.split("\n").map((line) => `  ${line}\n`).join("")}
  containers: [{name: c, image: host, command: [sleep, "1000"], securityContext: ${security}}]
`;
}

async function statusOf(root: TestRoot, pod: string): Promise<Record<string, string>> {
  return processStatus(containerPids(root, await uidOf(root, pod), "c")[0]!);
}

type Call = readonly [name: string, ...args: string[]];

/** What seedpod itself never calls, x86-64 first. */
const OTHER_CALLS: Record<string, readonly [number, number]> = {
  ptrace: [101, 117],
  pidfd_getfd: [438, 438],
};

function numberOf(name: string): number {
  const other = OTHER_CALLS[name]?.[Deno.build.arch === "x86_64" ? 0 : 1];
  return other ?? syscallNumber(name as SyscallName, Deno.build.arch);
}

/** What the kernel answers to system calls made in a container: `NAME: done`, or the error in words, one a line. */
async function syscallsIn(root: TestRoot, pod: string, ...calls: Call[]): Promise<string> {
  const lines = calls.map(([name, ...args]) =>
    `print "${name}: ", syscall(${numberOf(name)}, ${args.join(", ")}) < 0 ? $! : "done", "\\n";`
  );
  return await root.sh(pod, "c", `perl -e '${lines.join(" ")}'`);
}

podTest("a container is hardened by default: capabilities, seccomp, masks, devices", async (root) => {
  await root.up(sleeper("plain", "{}"));
  const status = await statusOf(root, "plain");
  deepStrictEqual(
    ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((set) => status[set]),
    [NONE, DEFAULT_SET, DEFAULT_SET, DEFAULT_SET, NONE],
  );
  strictEqual(status.Seccomp, "2");
  strictEqual(status.NoNewPrivs, "0");
  strictEqual(
    await syscallsIn(
      root,
      "plain",
      ["unshare", "0x20000"],
      ["mount", "0", "0", "0", "0", "0"],
      ["keyctl", "0", "-3", "0"],
      ["bpf", "0", "0", "0"],
      ["setns", "0", "0"],
    ),
    ["unshare", "mount", "keyctl", "bpf", "setns"].map((name) => `${name}: Operation not permitted\n`).join(
      "",
    ),
  );
  const masked = "cat /proc/keys /proc/interrupts /proc/timer_list | wc -c; ls -A /sys/firmware /proc/acpi";
  const seen = await root.sh("plain", "c", `{ ${masked}; } 2>/dev/null; true`);
  strictEqual(seen.replaceAll(/\/.*:|\n/g, ""), "0", seen);
  const paths =
    "/proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/x /proc/bus/x /sys/x /sys/fs/cgroup/x";
  const refused = await root.sh("plain", "c", `for p in ${paths}; do sh -c "echo 1 > $p" 2>&1; done; true`);
  strictEqual(refused.match(/Read-only file system|nonexistent|Permission denied/g)?.length, 6, refused);
});

podTest("a container's /dev has the usual devices and links, and no more", async (root) => {
  await root.up(sleeper("dev", "{}"));
  const kinds = "cd /dev; for d in *; do test -L $d || stat -c '%n %F %a %Hr:%Lr' $d; done";
  strictEqual(
    await root.sh("dev", "c", kinds),
    `full character special file 666 1:7
mqueue directory 1777 0:0
null character special file 666 1:3
pts directory 755 0:0
random character special file 666 1:8
shm directory 1777 0:0
termination-log regular empty file 666 0:0
tty character special file 666 5:0
urandom character special file 666 1:9
zero character special file 666 1:5
`,
  );
  const links = "readlink /dev/fd /dev/stdin /dev/stdout /dev/stderr /dev/ptmx; stat -c %a /dev; ls /dev/pts";
  strictEqual(
    await root.sh("dev", "c", links),
    "/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n755\nptmx\n",
  );
  strictEqual(
    await root.sh("dev", "c", "head -c 1 /dev/urandom | wc -c; echo x > /dev/full || echo full"),
    "1\nfull\n",
  );
});

podTest("capabilities are the default ones, less what is dropped, and what is added", async (root) => {
  await root.up([
    sleeper("added", "{capabilities: {add: [NET_ADMIN, CAP_SYS_TIME]}}"),
    sleeper("dropped", "{capabilities: {drop: [ALL], add: [CHOWN]}, allowPrivilegeEscalation: false}"),
  ].join("---"));
  const added = await statusOf(root, "added");
  strictEqual(added.CapBnd, "00000000820415fb");
  strictEqual(added.CapEff, added.CapBnd);
  const dropped = await statusOf(root, "dropped");
  deepStrictEqual([dropped.CapEff, dropped.CapPrm, dropped.CapBnd], Array(3).fill("0000000000000001"));
  strictEqual(dropped.NoNewPrivs, "1");
  strictEqual(dropped.Seccomp, "2");
});

podTest("a privileged container has all that the machine has to give", async (root) => {
  await root.up(sleeper("privileged", "{privileged: true}"));
  const status = await statusOf(root, "privileged");
  strictEqual(status.CapEff, processStatus(Deno.pid).CapBnd);
  strictEqual(status.Seccomp, "0");
  const devices = [...Deno.readDirSync("/dev")].filter(({ name }) => {
    const info = Deno.lstatSync(`/dev/${name}`);
    return (info.isCharDevice || info.isBlockDevice) && !["console", "ptmx"].includes(name);
  }).map((entry) => `${entry.name}\n`).sort().join("");
  const nodes = "cd /dev; for d in *; do test ! -L $d && { test -b $d || test -c $d; } && echo $d; done";
  strictEqual(await root.sh("privileged", "c", `{ ${nodes}; } | LC_ALL=C sort`), devices);
  const freedoms = [
    "true < /dev/kmsg && echo kmsg",
    "test -w /proc/sys/kernel/hostname && echo proc",
    "mknod /tmp/mine c 1 5 && head -c 1 /tmp/mine | wc -c",
    "mkdir /m && mount -t tmpfs none /m && echo mounted",
  ];
  strictEqual(await root.sh("privileged", "c", freedoms.join("; ")), "kmsg\nproc\n1\nmounted\n");
  const mounts = await root.sh("privileged", "c", "cat /proc/self/mountinfo");
  match(mounts, /^\d+ \d+ \S+ \/ \/sys rw,/m);
  ok(!/ \/proc\/| \/sys\/firmware /.test(mounts), mounts);
});

podTest("a device node is refused by the device list where MKNOD is added", async (root) => {
  await root.up([sleeper("plain", "{}"), sleeper("mknod", "{capabilities: {add: [MKNOD]}}")].join("---"));
  for (const pod of ["plain", "mknod"]) {
    match(await root.sh(pod, "c", "mknod /tmp/kmsg c 1 11 2>&1 || true"), /Operation not permitted/, pod);
  }
});

podTest("readOnlyRootFilesystem leaves the volumes, /dev and the termination log writable", async (root) => {
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: read-only}
spec:
  volumes: [{name: data, emptyDir: {}}]
  containers:
  - name: c
    image: host
    command: [sleep, "1000"]
    workingDir: /made/anyhow
    volumeMounts: [{name: data, mountPath: /data/here}]
    securityContext: {readOnlyRootFilesystem: true}
`);
  match(
    await root.sh("read-only", "c", "touch /x /made/anyhow/x 2>&1 || true"),
    /^(.*Read-only file system\n){2}$/,
  );
  strictEqual(
    await root.sh("read-only", "c", "pwd; echo x | tee /data/here/x /dev/shm/x /dev/termination-log"),
    "/made/anyhow\nx\n",
  );
});

podTest(
  "seccompProfile Unconfined has no filter, and Localhost the one in the root's directory",
  async (root) => {
    Deno.mkdirSync(`${root.path}/lib/seccomp`, { recursive: true });
    const profile = {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mkdirat", "mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 95 }],
    };
    Deno.writeTextFileSync(`${root.path}/lib/seccomp/no-mkdir.json`, JSON.stringify(profile));
    await root.up([
      sleeper("unconfined", "{seccompProfile: {type: Unconfined}}"),
      sleeper("local", "{seccompProfile: {type: Localhost, localhostProfile: no-mkdir.json}}"),
    ].join("---"));
    strictEqual((await statusOf(root, "unconfined")).Seccomp, "0");
    strictEqual((await statusOf(root, "local")).Seccomp, "2");
    // a session keyring of its own, where the filter would not refuse the question
    strictEqual(await syscallsIn(root, "unconfined", ["keyctl", "0", "-3", "0"]), "keyctl: done\n");
    match(await root.sh("local", "c", "mkdir /tmp/x 2>&1 || true"), /Operation not supported/);
    const said = await root.run([
      "up",
      "-d",
      root.manifest(sleeper("absent", "{seccompProfile: {type: Localhost, localhostProfile: absent.json}}")),
    ]);
    strictEqual(said.code, 1);
    match(said.stderr, /seccompProfile: there is no seccomp profile "absent\.json"/);
    Deno.removeSync(`${root.path}/lib/seccomp`, { recursive: true });
  },
);

podTest("infra cannot be reached from the containers that share its PID namespace", async (root) => {
  await root.up(sleeper("shared", "{seccompProfile: {type: Unconfined}}", "shareProcessNamespace: true"));
  const uid = await uidOf(root, "shared");
  const infra = infraPid(root, uid);
  strictEqual(await root.sh("shared", "c", "cat /proc/1/comm"), "infra\n");
  const files = "exe mem root/ cwd/ fd/3 environ stack task/1/mem ns/mnt";
  const reads = await root.sh("shared", "c", `for f in ${files}; do cat /proc/1/$f 2>&1; done; true`);
  strictEqual(reads.match(/Permission denied\n/g)?.length, files.split(" ").length, reads);
  const writes = await root.sh(
    "shared",
    "c",
    'for f in exe mem; do sh -c "echo x > /proc/1/$f" 2>&1; done; true',
  );
  strictEqual(writes.match(/Permission denied\n/g)?.length, 2, writes);
  const seize = await syscallsIn(root, "shared", ["ptrace", PTRACE_SEIZE, "1", "0", "0"], [
    "pidfd_getfd",
    `syscall(${numberOf("pidfd_open")}, 1, 0)`,
    "3",
    "0",
  ]);
  strictEqual(seize, "ptrace: Operation not permitted\npidfd_getfd: Operation not permitted\n");
  await root.sh("shared", "c", "for s in 1 2 3 9 11 15 19; do kill -$s 1; done");
  strictEqual(infraPid(root, uid), infra);
  ok(!processStatus(infra).State!.startsWith("T"));
});

podTest("no directory or command of an exec leads out through a descriptor", async (root) => {
  const place = `${root.files}/place`;
  Deno.mkdirSync(`${place}/work`, { recursive: true });
  await root.up(`
apiVersion: v1
kind: Pod
metadata: {name: escape}
spec:
  volumes: [{name: place, hostPath: {path: ${place}}}]
  containers: [{name: c, image: host, workingDir: /place/work, command: [sleep, "1000"], volumeMounts: [{name: place, mountPath: /place}]}]
`);
  strictEqual(await root.sh("escape", "c", "pwd"), "/place/work\n");
  Deno.removeSync(`${place}/work`);
  // an exec's child has copies of infra's descriptors: that of the log directory leads to the machine's root
  const infra = infraPid(root, await uidOf(root, "escape"));
  const directories = [...Deno.readDirSync(`/proc/${infra}/fd`)].map(({ name }) => name).filter((fd) =>
    Deno.statSync(`/proc/${infra}/fd/${fd}`).isDirectory
  );
  ok(directories.length > 0);
  for (const fd of directories) {
    Deno.symlinkSync(`/proc/self/fd/${fd}`, `${place}/work`);
    const said = await root.run(["exec", "escape", "--", "cat", "../../../../../../../../etc/hostname"]);
    strictEqual(said.stdout, "");
    match(said.stderr, /cannot enter the working directory "\/place\/work": .*\(ELOOP\)/);
    Deno.removeSync(`${place}/work`);
  }
  Deno.mkdirSync(`${place}/work`);
  for (const fd of directories) {
    Deno.symlinkSync(`/proc/self/fd/${fd}${"/..".repeat(10)}/bin/true`, `${place}/command`);
    const said = await root.run(["exec", "escape", "--", "/place/command"]);
    match(said.stderr, /Cannot run "\/place\/command": .*\(ENOENT\)/);
    Deno.removeSync(`${place}/command`);
  }
});

podTest("the containers of a pod with hostPID end with its infra", async (root) => {
  await root.up(sleeper("host-pid", "{}", "hostPID: true\nrestartPolicy: Never"));
  const uid = await uidOf(root, "host-pid");
  const [pid] = containerPids(root, uid, "c");
  strictEqual(await root.sh("host-pid", "c", `cat /proc/${pid}/comm`), "sleep\n");
  // without a daemon nobody else ends them
  await root.stopDaemon();
  Deno.kill(infraPid(root, uid), "SIGKILL");
  const deadlineMs = performance.now() + 5000;
  while (isThere(pid!)) ok(performance.now() < deadlineMs, "the container outlives its pod");
});

/** Whether a process is there, and more than what its parent has yet to reap. */
function isThere(pid: number): boolean {
  try {
    return !processStatus(pid).State!.startsWith("Z");
  } catch {
    return false;
  }
}
