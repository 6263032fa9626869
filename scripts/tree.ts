/** Directories that are no part of the tree. */
const OUTSIDE = new Set([".git", "node_modules", ".cache", "coverage"]);

/** The files of a directory tree in alphabetical order, as paths relative to it; no symbolic links, none of git's or npm's. */
export function treeFiles(root: string, below = ""): string[] {
  const files: string[] = [];
  for (const entry of Deno.readDirSync(`${root}/${below}`)) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isFile) files.push(path);
    else if (entry.isDirectory && !OUTSIDE.has(entry.name)) files.push(...treeFiles(root, path));
  }
  return files.sort();
}
