/** One line of /proc/PID/mountinfo. */
export interface MountInfo {
  readonly id: number;
  readonly parentId: number;
  /** `major:minor` of the file system's device. */
  readonly device: string;
  /** The directory of the file system that is mounted. */
  readonly root: string;
  readonly mountPoint: string;
  /** Options of this mount. */
  readonly options: readonly string[];
  /** Optional fields, such as `shared:1`. */
  readonly propagation: readonly string[];
  readonly fsType: string;
  readonly source: string;
  /** Options of the file system. */
  readonly superOptions: readonly string[];
}

/** A field with the kernel's octal escapes (`\040` is a space) undone. */
function unescape(field: string): string {
  if (!field.includes("\\")) return field;
  return field.replace(/\\([0-3][0-7]{2})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}

function parseLine(line: string): MountInfo[] {
  const fields = line.split(" ");
  const dash = fields.indexOf("-", 6);
  const [id, parentId, device, root, mountPoint, options] = fields;
  const [fsType, source, superOptions] = fields.slice(dash + 1);
  if (dash < 0 || options === undefined || superOptions === undefined) return [];
  return [{
    id: Number(id),
    parentId: Number(parentId),
    device: device ?? "",
    root: unescape(root ?? ""),
    mountPoint: unescape(mountPoint ?? ""),
    options: options.split(","),
    propagation: fields.slice(6, dash),
    fsType: unescape(fsType ?? ""),
    source: unescape(source ?? ""),
    superOptions: superOptions.split(","),
  }];
}

/** The mounts of a mountinfo file, in its order; proc_pid_mountinfo(5). Lines that are none are left out. */
export function parseMountInfo(text: string): MountInfo[] {
  return text.split("\n").flatMap(parseLine);
}
