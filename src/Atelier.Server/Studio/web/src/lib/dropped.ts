/** A file to upload, with its path below the folder that it was chosen from. */
export interface NamedFile {
  file: File;
  path: string;
}

/** The files that were chosen in a dialog. */
export function chosen(list: FileList | null): NamedFile[] {
  return [...(list ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name })).filter(isWanted);
}

/** The files that were dropped, with those in dropped folders. */
export async function dropped(transfer: DataTransfer): Promise<NamedFile[]> {
  // the list of a drop is emptied as soon as its handler waits, therefore all entries are taken first
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return chosen(transfer.files);
  const files = await Promise.all(entries.map(filesIn));
  return files.flat().filter(isWanted);
}

async function filesIn(entry: FileSystemEntry): Promise<NamedFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const inside: FileSystemEntry[] = [];
  for (;;) {
    // a reader gives a folder in parts, and an empty part at its end
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) break;
    inside.push(...part);
  }
  const files = await Promise.all(inside.map(filesIn));
  return files.flat();
}

/** Whether a file is data, and not one that a file manager hides in folders. */
function isWanted({ path }: NamedFile): boolean {
  return !path.split("/").some((part) => part.startsWith(".") || part === "Thumbs.db");
}

/**
 * Takes the name of the one folder that holds all files from their paths, so that the subfolders, which are the classes
 * of images and sounds, come first.
 */
export function rooted(files: NamedFile[]): { files: NamedFile[]; name: string | null } {
  const top = files[0]?.path.split("/")[0] ?? "";
  if (files.length === 0 || !files.every(({ path }) => path.startsWith(`${top}/`))) return { files, name: null };
  return { files: files.map(({ file, path }) => ({ file, path: path.slice(top.length + 1) })), name: top };
}
