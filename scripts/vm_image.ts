import { existsSync } from "node:fs";
import $ from "dax";
import { treeFiles } from "./tree.ts";

/** The Debian packages that a machine needs to build and run the test machine. */
export const MACHINE_PACKAGES = ["mmdebstrap", "e2fsprogs", "qemu-system-x86"] as const;

/** How `deno test` runs on every machine; types are checked once, apart. */
export const TEST_FLAGS = ["--allow-all", "--no-check", "--sanitize-ops", "--sanitize-resources"] as const;

/** The names of the virtio-serial ports by which the guest answers; the unit and the run script know them. */
export const PORTS = { output: "seedpod.output", junit: "seedpod.junit", status: "seedpod.status" } as const;

/** Where the second disk is mounted in the guest. */
const GUEST_DIRECTORY = "/seedpod";
/** Room on the guest's root disk for what the tests write: the image file is sparse, so it costs nothing. */
const ROOT_DISK_SIZE = "4G";
/** Room for Deno, the npm packages and the tree. */
const TREE_DISK_SIZE = "3G";

/** No run lives as long as this. */
const LEFTOVER_AGE_MS = 60 * 60 * 1000;

const GUEST_PACKAGES = [
  "linux-image-cloud-amd64",
  "initramfs-tools",
  "systemd-sysv",
  "dbus",
  "udev",
  "kmod",
  "busybox-static",
  "e2fsprogs",
  "gcc",
  "libc6-dev",
  "iproute2",
  "procps",
];

/** What the initial RAM disk must bring: without a list it holds the drivers of every machine and loads 8 times slower. */
const INITRD_MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "ext4"];

/** Files written into the guest before its packages are configured, because the initial RAM disk is made from them. */
const EARLY_FILES: Record<string, string> = {
  "/etc/initramfs-tools/conf.d/seedpod": "MODULES=list\nCOMPRESS=lz4\nFSTYPE=ext4\n",
  "/usr/share/initramfs-tools/modules.d/seedpod": INITRD_MODULES.join("\n") + "\n",
};

/** The unit ends only when the tests end, yet Type=exec lets systemd finish its start: it is `running` meanwhile. */
const TEST_UNIT = `[Unit]
Description=The tests of seedpod
After=multi-user.target
RequiresMountsFor=${GUEST_DIRECTORY}

[Service]
Type=exec
Delegate=yes
WorkingDirectory=${GUEST_DIRECTORY}/tree
ExecStart=/bin/sh ${GUEST_DIRECTORY}/run
ExecStopPost=/bin/systemctl poweroff --force --force
`;

/** Hardware that QEMU shows and nobody uses: loading its drivers costs seconds under emulation. */
const UNWANTED_MODULES = [
  "kvm",
  "kvm_amd",
  "kvm_intel",
  "powernow_k8",
  "ata_piix",
  "psmouse",
  "aesni_intel",
  "qemu_fw_cfg",
];

const LATE_FILES: Record<string, string> = {
  "/etc/hostname": "seedpod-vm\n",
  "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 seedpod-vm\n",
  "/etc/machine-id": "",
  "/etc/modprobe.d/seedpod.conf": UNWANTED_MODULES.map((name) => `blacklist ${name}\n`).join(""),
  "/etc/fstab": `/dev/vda / ext4 rw 0 1\n/dev/vdb ${GUEST_DIRECTORY} ext4 rw 0 0\n`,
  "/etc/systemd/system/seedpod-tests.service": TEST_UNIT,
};

/** Units that only cost boot time in a machine without a network, a person or a tomorrow. */
const MASKED_UNITS = [
  "serial-getty@ttyS0.service",
  "getty@tty1.service",
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "systemd-pcrphase.service",
  "systemd-pcrphase-sysinit.service",
  "systemd-update-utmp-runlevel.service",
  "systemd-udev-settle.service",
];

/** A built machine: what QEMU boots. */
export interface MachineImage {
  /** The kernel, bootable with `-kernel`. */
  kernel: string;
  /** Its initial RAM disk. */
  initrd: string;
  /** The root file system: a raw ext4 image that no run changes. */
  rootDisk: string;
}

/** The directory of everything that is built: outside the tree, kept between runs. */
export function cacheDirectory(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
  return `${base}/seedpod-vm`;
}

/**
 * Builds the machine from Debian packages, or finds the one built before from the same inputs. The packages come
 * from wherever the apt of this machine takes Debian's.
 */
export async function ensureImage(): Promise<MachineImage> {
  const sources = await debianSources();
  const inputs = [sources, GUEST_PACKAGES, EARLY_FILES, LATE_FILES, MASKED_UNITS, ROOT_DISK_SIZE];
  const directory = `${cacheDirectory()}/image-${await fingerprint(JSON.stringify(inputs))}`;
  const image = {
    kernel: `${directory}/vmlinuz`,
    initrd: `${directory}/initrd`,
    rootDisk: `${directory}/root.ext4`,
  };
  await Deno.mkdir(cacheDirectory(), { recursive: true });
  await removeLeftovers();
  if (existsSync(directory)) return image;

  const partial = await Deno.makeTempDir({ dir: cacheDirectory(), prefix: "partial-" });
  try {
    await buildRoot(`${partial}/root`, sources);
    await Deno.copyFile(`${partial}/root/vmlinuz`, `${partial}/vmlinuz`);
    await Deno.copyFile(`${partial}/root/initrd.img`, `${partial}/initrd`);
    await makeDisk(`${partial}/root`, `${partial}/root.ext4`, ROOT_DISK_SIZE);
    await Deno.remove(`${partial}/root`, { recursive: true });
    await removeImages();
    await Deno.rename(partial, directory);
  } catch (error) {
    await Deno.remove(partial, { recursive: true });
    throw error;
  }
  return image;
}

/** Images of other inputs are of no more use, and each takes half a gigabyte. */
async function removeImages(): Promise<void> {
  for (const { name } of Deno.readDirSync(cacheDirectory())) {
    if (name.startsWith("image-")) await Deno.remove(`${cacheDirectory()}/${name}`, { recursive: true });
  }
}

/** What a killed run left behind; what is younger may belong to a run of now. */
async function removeLeftovers(): Promise<void> {
  const oldMs = Date.now() - LEFTOVER_AGE_MS;
  for (const { name } of Deno.readDirSync(cacheDirectory())) {
    const path = `${cacheDirectory()}/${name}`;
    const temporary = /^(partial|run|tree)-/.test(name);
    if (temporary && (Deno.statSync(path).mtime?.getTime() ?? oldMs) < oldMs) {
      await Deno.remove(path, { recursive: true });
    }
  }
}

/** Unpacks and configures the guest's root file system into a directory. */
async function buildRoot(root: string, sources: string): Promise<void> {
  $.logStep("Building", `the test machine from ${GUEST_PACKAGES.length} Debian packages`);
  const early = await Deno.makeTempDir({ prefix: "seedpod-vm-" });
  try {
    await writeFiles(early, EARLY_FILES);
    const hook = `--essential-hook=cp -a ${early}/. "$1/"`;
    const options = [
      "--mode=root",
      "--variant=minbase",
      '--aptopt=Acquire::Retries "3"',
      `--include=${GUEST_PACKAGES.join(",")}`,
      hook,
    ];
    await $`mmdebstrap --quiet ${options} ${""} ${root} -`.stdinText(sources);
  } finally {
    await Deno.remove(early, { recursive: true });
  }
  await writeFiles(root, LATE_FILES);
  await Deno.mkdir(root + GUEST_DIRECTORY, { recursive: true });
  const units = `${root}/etc/systemd/system`;
  for (const unit of MASKED_UNITS) await Deno.symlink("/dev/null", `${units}/${unit}`);
  await Deno.symlink("../seedpod-tests.service", `${units}/multi-user.target.wants/seedpod-tests.service`);
}

/** Debian's package sources of this machine, one `deb` line each, in the form that mmdebstrap reads. */
async function debianSources(): Promise<string> {
  let lines = await listedSources();
  if (lines.length === 0) {
    await $`apt-get update`.stdout("null");
    lines = await listedSources();
  }
  if (lines.length > 0) return lines.join("\n") + "\n";
  throw new Error("Cannot build the test machine: the package sources of this machine have none of Debian's");
}

/** The sources that apt has an index of; before its first update it knows none. */
async function listedSources(): Promise<string[]> {
  const format = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)";
  const targets = await $`apt-get indextargets --format ${format} ${"Created-By: Packages"}`.lines();
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  const options = existsSync(keyring) ? `[signed-by=${keyring}] ` : "";
  const lines = targets.map((target) => target.split("|"))
    .filter(([origin, , , component]) => origin === "Debian" && component === "main")
    .map(([, uri, release, component]) => `deb ${options}${uri} ${release} ${component}`);
  return [...new Set(lines)];
}

/** Makes the disk of one run: Deno, the npm packages it needs, the tree as it is now, and the run script. */
export async function makeTreeDisk(tree: string, disk: string, tests: readonly string[]): Promise<void> {
  const packages = await ensureDenoDirectory(tree, tests);
  const staging = await Deno.makeTempDir({ dir: cacheDirectory(), prefix: "tree-" });
  try {
    await Deno.mkdir(`${staging}/bin`);
    await Deno.mkdir(`${staging}/tree`);
    await Deno.copyFile(Deno.execPath(), `${staging}/bin/deno`);
    await $`cp --recursive ${packages} ${staging}/deno_dir`;
    await copyTree(tree, `${staging}/tree`);
    await Deno.writeTextFile(`${staging}/run`, runScript(tests, await npmRegistry()));
    await makeDisk(staging, disk, TREE_DISK_SIZE);
  } finally {
    await Deno.remove(staging, { recursive: true });
  }
}

/** The registry's address is part of the paths in DENO_DIR: the guest must look under the same one. */
async function npmRegistry(): Promise<string> {
  return (await $`npm config get registry`.noThrow().stderr("null").text()).trim();
}

function runScript(tests: readonly string[], registry: string): string {
  const quoted = [...TEST_FLAGS, ...tests].map((word) => $.escapeArg(word)).join(" ");
  return `exec >/dev/virtio-ports/${PORTS.output} 2>&1
export PATH=${GUEST_DIRECTORY}/bin:$PATH HOME=/root NO_COLOR=1 SEEDPOD_TEST_MACHINE=vm SEEDPOD_TEST_IN_PROCESS=1
export DENO_DIR=${GUEST_DIRECTORY}/deno_dir DENO_NO_UPDATE_CHECK=1 NPM_CONFIG_REGISTRY=${
    $.escapeArg(registry)
  }
read -r seconds rest </proc/uptime
echo "vm: Linux $(uname -r), booted in $seconds s"
deno test --cached-only --junit-path=/run/junit.xml ${quoted}
status=$?
cat /run/junit.xml >/dev/virtio-ports/${PORTS.junit}
echo $status >/dev/virtio-ports/${PORTS.status}
`;
}

/** A DENO_DIR with exactly the packages that the tests import; filled once per lock file. */
async function ensureDenoDirectory(tree: string, tests: readonly string[]): Promise<string> {
  const files = entryModules(tree, tests);
  const config = await Deno.readTextFile(`${tree}/deno.json`) +
    await Deno.readTextFile(`${tree}/deno.lock`).catch(() => "");
  const key = await fingerprint(JSON.stringify([Deno.version.deno, config]));
  const directory = `${cacheDirectory()}/deno-${key}`;
  await $`deno cache ${files}`.cwd(tree).env({ DENO_DIR: directory });
  return directory;
}

/** Every module that a test run may start with: the program itself and the tests. */
function entryModules(tree: string, tests: readonly string[]): string[] {
  const roots = ["runner/main.ts", ...tests];
  return treeFiles(tree).filter((file) =>
    roots.some((root) => file === root || (file.startsWith(`${root}/`) && file.endsWith("_test.ts")))
  );
}

/** Copies the files of the tree, and nothing of git's or npm's. */
async function copyTree(tree: string, target: string): Promise<void> {
  const list = treeFiles(tree).join("\n") + "\n";
  await $`tar --create --files-from=- | tar --extract --directory=${target}`.cwd(tree).stdinText(list);
}

async function writeFiles(root: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(root + path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(root + path, text);
  }
}

/** An ext4 image with the contents of a directory, made without a loop device and without a journal. */
async function makeDisk(directory: string, disk: string, size: string): Promise<void> {
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;
  await $`mkfs.ext4 -q -F -O ${"^has_journal"} -d ${directory} ${disk} ${size}`
    .env({ PATH: path }).stdout("null");
}

async function fingerprint(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest).slice(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
